import { type Mutant, mutants, suite } from './mutant.ts';

const values = (cases: string) => suite('test/conformance/values.test.ts', 'webgpu-dawn', cases);
const numerics = (cases: string) => suite('test/conformance/numerics.test.ts', 'webgpu-dawn', cases);
const lanes = (cases: string) => suite('test/conformance/webgpu_lanes.test.ts', 'webgpu-dawn', cases);

export const wgslMutants: Mutant[] = mutants('kernels/wgsl/row_pass.wgsl', values('shape .7,3.'), [
  { name: 'a sign in the cross entropy', find: '  sumA -= w * a;', replace: '  sumA += w * a;' },
  {
    name: 'the gradient is not divided by T',
    find: 'slope = softFactor * inverseT * studentSlope(s);',
    replace: 'slope = softFactor * studentSlope(s);',
  },
  {
    name: 'T in place of T^2',
    find: 'select(1.0, t * t, u.temperatureSquared != 0u)',
    replace: 'select(1.0, t, u.temperatureSquared != 0u)',
  },
  {
    name: 'the last row is not written',
    find: '  if (row >= u.rows) {\n    return;\n  }\n\n  var weight',
    replace: '  if (row + 1u >= u.rows) {\n    return;\n  }\n\n  var weight',
  },
  {
    name: 'no barrier before the next exchange of maxima',
    find: '  workgroupBarrier();  // before the next exchange overwrites it\n',
    replace: '',
    killedBy: lanes('^2 threads to a row shape .7,3.'),
  },
  {
    name: 'a team of lanes leaves out its second half',
    find: 'exchange[local] += exchange[local + step];',
    replace: 'exchange[local] += 0.0 * exchange[local + step];',
    killedBy: lanes('^2 threads to a row shape .7,3.'),
  },
  {
    name: 'sums are not brought over to a larger maximum of the student',
    find: '    sz *= factor;\n    if (LABELS',
    replace: '    if (LABELS',
    killedBy: values('shape .7,65.'),
  },
  {
    name: 'the sum of the teacher is not brought over to a larger maximum',
    find: '    sv *= factor;\n',
    replace: '',
    killedBy: values('shape .7,65.'),
  },
  {
    name: 'no row is nearly equal',
    find: 'isNear = TARGETS == LOGITS && spread <= NEAR;',
    replace: 'isNear = TARGETS == LOGITS && spread <= -1.0;',
    killedBy: numerics('^kl: digits T = 10000'),
  },
  {
    name: 'a class id of C is read',
    find: 'if (labelId >= u.classes) {',
    replace: 'if (labelId > u.classes) {',
    killedBy: numerics('crossEntropy: .*a class id outside'),
  },
  {
    name: 'the gradient of the mixture has beta in place of 1 - beta',
    find: 'return (1.0 - uniforms.row.beta) * times(s.q, mixtureShares(s).y - kStudent);',
    replace: 'return uniforms.row.beta * times(s.q, mixtureShares(s).y - kStudent);',
    killedBy: values('jsd of logits, alone'),
  },
  {
    name: 'the mass of unnormalised targets is left out of the gradient',
    find: 'return select(sv * s.q - s.p, s.q - s.p, TARGETS == LOGITS);',
    replace: 'return s.q - s.p;',
    killedBy: numerics('unnormalised targets'),
  },
  {
    name: 'smoothing is left out of the gradient',
    find: '((1.0 - eps) * label + eps / f32(uniforms.row.classes))',
    replace: '((1.0 - eps) * label)',
    killedBy: values('crossEntropy of logits, with smoothed labels'),
  },
  {
    name: 'an infinite loss is whatever was summed',
    find: 'value = uniforms.infinity * select(-1.0, 1.0, weight > 0.0);',
    replace: 'value += 0.0;',
    killedBy: numerics('crossEntropy: .* masked in the student where the teacher'),
  },
  {
    name: 'a row of weight 0 is computed',
    find: 'let isZero = weight == 0.0 && !weightIsNaN;',
    replace: 'let isZero = weight == -1.0 && !weightIsNaN;',
    killedBy: numerics('crossEntropy: .*a row of weight 0'),
  },
]);
