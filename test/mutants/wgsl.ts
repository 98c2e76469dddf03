import { type Mutant, mutants, suite } from './mutant.ts';

const values = (cases: string) => suite('test/conformance/values.test.ts', 'webgpu-dawn', cases);
const numerics = (cases: string) => suite('test/conformance/numerics.test.ts', 'webgpu-dawn', cases);
const variants = (cases: string) => suite('test/conformance/webgpu_variants.test.ts', 'webgpu-dawn', cases);
const dispatches = (cases: string) => suite('test/conformance/webgpu_dispatch.test.ts', 'webgpu-dawn', cases);
const teacherTemperature = (cases: string) =>
  suite('test/conformance/teacher_temperature.test.ts', 'webgpu-dawn', cases);
const metrics = (cases: string) => suite('test/conformance/metrics.test.ts', 'webgpu-dawn', cases);

const TEACHER_TEMPERATURE = values('logits at a temperature of their own');

const inFile = (name: string, faults: Parameters<typeof mutants>[2]) =>
  mutants(`kernels/wgsl/${name}.wgsl`, values('shape .7,3.'), faults);

export const wgslMutants: Mutant[] = [
  ...inFile('cross_entropy', [
    { name: 'a sign in the cross entropy', find: '  return -w * a;', replace: '  return w * a;' },
  ]),
  ...inFile('row_pass', [
    {
      name: 'the gradient is not divided by T',
      find: 'softFactor() * slopeScale()',
      replace: 'softFactor()',
    },
    {
      name: "the gradient to the teacher is divided by the student's T",
      find: 'var scale = select(1.0, inverseTeacherT(), TARGETS == LOGITS);',
      replace: 'var scale = select(1.0, inverseT, TARGETS == LOGITS);',
      killedBy: TEACHER_TEMPERATURE,
    },
    {
      name: 'T in place of T^2',
      find: 'select(1.0, t * t, uniforms.temperatureSquared != 0u)',
      replace: 'select(1.0, t, uniforms.temperatureSquared != 0u)',
    },
    {
      name: 'an infinite loss is whatever was summed',
      find: 'return select(MINUS_INFINITY_BITS, INFINITY_BITS, weight > 0.0);',
      replace: 'return bitcast<u32>(softFactor() * softTotal);',
      killedBy: numerics('crossEntropy: .*p_i > 0 and z_i = -Infinity'),
    },
  ]),
  ...inFile('rows', [
    {
      name: 'the last row is not written',
      find: 'hasRow = row < uniforms.rows;',
      replace: 'hasRow = row + 1u < uniforms.rows;',
    },
    {
      name: 'a row of weight 0 is computed',
      find: 'return weight == 0.0 && !weightIsNaN;',
      replace: 'return weight == -1.0 && !weightIsNaN;',
      killedBy: numerics('crossEntropy: .*a row of weight 0'),
    },
  ]),
  ...inFile('entropies', [
    {
      name: 'the entropy of the student is not brought over to a larger maximum',
      find: 'studentSoft = (studentSoft + sz * shift) * factor;',
      replace: 'studentSoft *= factor;',
      killedBy: metrics('shape .7,65.'),
    },
  ]),
  ...inFile('row_metrics', [
    {
      name: 'of equal maxima of a lane the last counts',
      find: 'any(values > vec4(top[side]))',
      replace: 'any(values >= vec4(top[side]))',
      killedBy: metrics('1 threads to a row'),
    },
    {
      name: 'of equal maxima of a vector the last counts',
      find: 'vec4<f32>(vec4(uniforms.classes) - classesOf(k))',
      replace: 'vec4<f32>(vec4(1u) + classesOf(k))',
      killedBy: metrics('vectors of four classes'),
    },
  ]),
  ...inFile('numbers', [
    {
      name: 'a guard that devices may take for 0',
      find: 'const SMALLEST = 1.2e-38;',
      replace: 'const SMALLEST = 1e-38;',
      killedBy: suite('test/unit/shader_numbers.test.ts', 'unit', 'numbers.wgsl'),
    },
  ]),
  ...inFile('team_workgroup', [
    {
      name: 'the length of an array is an expression of overrides',
      find: 'array<vec4<f32>, GROUPS>',
      replace: 'array<vec4<f32>, WORKGROUP / LANES * FAN>',
      killedBy: suite('test/unit/webgpu_modules.test.ts', 'unit', 'the length of an array'),
    },
    {
      name: 'no barrier before the groups of a team are read',
      find: '    workgroupBarrier();  // every group is complete\n',
      replace: '',
      killedBy: variants('^32 threads to a row shape .7,65.'),
    },
    {
      name: 'no barrier between writing a lane and reading the others',
      find: '  workgroupBarrier();  // every lane has written\n',
      replace: '',
      killedBy: variants('^32 threads to a row shape .7,65.'),
    },
    {
      name: 'a team of lanes leaves out a lane',
      find: '  for (var i = 1u; i < LANES; i++) {\n    total += ofLanes[first + i];',
      replace: '  for (var i = 2u; i < LANES; i++) {\n    total += ofLanes[first + i];',
      killedBy: variants('^2 threads to a row shape .7,65.'),
    },
  ]),
  ...inFile('statistics', [
    {
      name: "a larger maximum of the teacher is brought over at the student's T",
      find: '    let shift = max((maximum - mv) * teacherScale2(), 0.0);',
      replace: '    let shift = max((maximum - mv) * scale2, 0.0);',
      killedBy: TEACHER_TEMPERATURE,
    },
    {
      name: 'sums are not brought over to a larger maximum of the student',
      find: '    sz *= factor;\n',
      replace: '',
      killedBy: values('shape .7,65.'),
    },
    {
      name: 'the sum of the teacher is not brought over to a larger maximum',
      find: '    sv *= factor;\n',
      replace: '',
      killedBy: values('shape .7,65.'),
    },
  ]),
  ...mutants('kernels/wgsl/softened.wgsl', values('jsd of probabilities softened at T, of another sum'), [
    {
      name: 'the logarithm of a probability is taken to base 2',
      find: 'bitcast<vec4<u32>>(log(p))',
      replace: 'bitcast<vec4<u32>>(log2(p))',
    },
    {
      name: 'the sum of the probabilities is that of one block',
      find: '  given += block;',
      replace: '  given = block;',
      killedBy: values('kl of probabilities softened at T, of another sum'),
    },
    {
      name: 'a probability below 0 is softened as 0',
      find: 'select(logarithms, vec4(NAN_BITS), (bits',
      replace: 'select(logarithms, vec4(MINUS_INFINITY_BITS), (bits',
      killedBy: teacherTemperature('kl of softened probabilities a probability below 0'),
    },
    {
      name: 'the rounding of a sum of probabilities counts as a divergence',
      find: '<= ROUNDING_OF_SUM',
      replace: '<= 0.0',
      killedBy: teacherTemperature('kl: digits'),
    },
  ]),
  ...mutants('kernels/wgsl/near.wgsl', suite('test/unit/rounded_sums.test.ts', 'unit', 'fn'), [
    {
      name: 'a compiler may take d - z for -v',
      find: 'let c = rounded(d - z);',
      replace: 'let c = d - z;',
    },
    {
      name: 'a compiler may join z - v to the reference',
      find: 'rounded(d - reference)',
      replace: '(d - reference)',
    },
    {
      name: 'the rounding error of z - v has the wrong sign',
      find: 'rounded(d - reference) + roundingError',
      replace: 'rounded(d - reference) - roundingError',
      killedBy: numerics('^kl: digits the models a shift of 100 apart'),
    },
  ]),
  ...inFile('merge', [
    {
      name: 'no row is nearly equal',
      find: '<= 2.0 * NEAR;',
      replace: '<= -1.0;',
      killedBy: numerics('^kl: digits T = 10000'),
    },
  ]),
  ...inFile('labels_class_ids', [
    {
      name: 'a class id of C is read',
      find: 'if (labelId >= uniforms.classes) {',
      replace: 'if (labelId > uniforms.classes) {',
      killedBy: numerics('crossEntropy: .*a label outside'),
    },
  ]),
  ...inFile('jsd', [
    {
      name: 'the mixture of unnormalised probabilities has beta itself',
      find: '    return uniforms.beta * givenMass / mixtureMass();',
      replace: '    return uniforms.beta;',
      killedBy: values('jsd of probabilities softened at T, of another sum'),
    },
    {
      name: 'the gradient of the mixture has beta in place of 1 - beta',
      find: 'return (1.0 - mixtureBeta()) * times(',
      replace: 'return mixtureBeta() * times(',
      killedBy: values('jsd of logits, alone'),
    },
  ]),
  ...inFile('shares', [
    {
      name: 'the mass of unnormalised targets is left out of the gradient',
      find: 'return mass * studentShare(z) - teacherShare(v);',
      replace: 'return studentShare(z) - teacherShare(v);',
      killedBy: numerics('unnormalised targets'),
    },
  ]),
  ...inFile('hard_term', [
    {
      name: 'smoothing is left out of the gradient',
      find: '((1.0 - eps) * labelVector(k) + eps / f32(uniforms.classes))',
      replace: '((1.0 - eps) * labelVector(k))',
      killedBy: values('crossEntropy of logits, with smoothed labels'),
    },
  ]),
  ...inFile('reduce', [
    {
      name: 'the counter of workgroups is not put back',
      find: '    atomicStore(&scratch[COUNTER], 0u);\n',
      replace: '',
      killedBy: dispatches('a sum over many workgroups'),
    },
    {
      name: 'a part of the sum that never comes counts as 0',
      find: 'select(~complement, NAN_BITS, complement == 0u)',
      replace: 'select(~complement, 0u, complement == 0u)',
      killedBy: dispatches('one dispatch of a sum is replaced'),
    },
  ]),
  ...mutants('src/backends/webgpu/dispatch.ts', dispatches('one dispatch of a sum is dropped'), [
    {
      name: 'a sum in several dispatches leaves what it lacks to the next',
      find: "reduction === 'sum' && cuts.length > 1 ?",
      replace: "reduction === 'sum' && cuts.length > 999 ?",
    },
  ]),
  ...mutants(
    'src/backends/webgpu/float_buffers.ts',
    suite('test/conformance/memory.test.ts', 'webgpu-dawn', 'the casts are gone'),
    [
      {
        name: 'what integers were converted to stays counted by the engine',
        find: 'for (const floats of converted) floats.dispose();',
        replace: 'for (const { dataId } of converted) backend.disposeData(dataId);',
      },
    ],
  ),
];
