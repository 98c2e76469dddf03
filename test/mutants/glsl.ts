import { type Mutant, mutants, suite } from './mutant.ts';

const values = (cases: string) => suite('test/conformance/values.test.ts', 'webgl-chromium', cases);
const numerics = (cases: string) => suite('test/conformance/numerics.test.ts', 'webgl-chromium', cases);
const layouts = (cases: string) => suite('test/conformance/layouts.test.ts', 'webgl-chromium', cases);

const teacherTemperature = (cases: string) =>
  suite('test/conformance/teacher_temperature.test.ts', 'webgl-chromium', cases);

/** What most faults show in: seven rows of three classes. */
const oddRow = values('shape .7,3.');

export const glslMutants: Mutant[] = [
  ...mutants(
    'kernels/glsl/constants.glsl',
    suite(
      'test/conformance/numerics.test.ts',
      'webgl-firefox',
      '^kl: .* a probability of 0 among the targets',
    ),
    [
      {
        name: 'the least positive number is written in digits, which Firefox reads as 0',
        find: 'uintBitsToFloat(0x0082ab1eu)',
        replace: '1.2e-38',
      },
    ],
  ),
  ...mutants('kernels/glsl/numbers.glsl', suite('test/unit/rounded_sums.test.ts', 'unit', 'difference'), [
    {
      name: 'a compiler may take z - (d - c) apart',
      find: 'rounded(z - rounded(d - c))',
      replace: 'rounded(z - (d - c))',
    },
    {
      name: 'the rounding error of z - v is left out',
      find: 'return vec2(d, rounded(z - rounded(d - c)) - rounded(v + c));',
      replace: 'return vec2(d, 0.0);',
      killedBy: numerics('^kl: digits the models a shift of 100 apart'),
    },
  ]),
  ...mutants('kernels/glsl/softened.glsl', values('crossEntropy of probabilities softened at T, alone'), [
    {
      name: 'the logarithm of a probability is taken to base 2',
      find: ', log(max(p, SMALLEST_PROBABILITY)));',
      replace: ', log2(max(p, SMALLEST_PROBABILITY)));',
    },
    {
      name: 'a probability below 0 is softened as 0',
      find: '|| p < 0.0',
      replace: '',
      killedBy: teacherTemperature('kl of softened probabilities a probability below 0'),
    },
  ]),
  ...mutants('kernels/glsl/mass.glsl', values('jsd of probabilities softened at T, of another sum'), [
    {
      name: 'the mixture of unnormalised probabilities has beta itself',
      find: 'mixtureBeta = beta * mass / (beta * mass + (1.0 - beta));',
      replace: 'mixtureBeta = beta;',
    },
    {
      name: 'the rounding of a sum of probabilities counts as a divergence',
      find: '<= ROUNDING_OF_SUM',
      replace: '<= 0.0',
      killedBy: teacherTemperature('kl: digits'),
    },
  ]),
  ...mutants('kernels/glsl/write_masses.glsl', values('kl of probabilities softened at T, of another sum'), [
    {
      name: 'the class behind the last one is summed',
      find: 'select(hasSecondClass(column), present(p.y), 0.0)',
      replace: 'present(p.y)',
    },
  ]),
  ...mutants('kernels/glsl/maxima.glsl', teacherTemperature('kl: digits a temperature per row'), [
    {
      name: 'no row is near whose teacher has a temperature of its own',
      find: '> ROUNDING * inverseT.x) return false;',
      replace: '>= 0.0) return false;',
    },
  ]),
  ...mutants('kernels/glsl/cross_entropy.glsl', oddRow, [
    {
      name: 'a sign in the cross entropy',
      find: 'float farTerm(Term term) {\n  return -term.w * term.a;',
      replace: 'float farTerm(Term term) {\n  return term.w * term.a;',
    },
    {
      name: 'the mass of unnormalised targets is left out',
      killedBy: numerics('unnormalised targets'),
      find: 'return sums.teacher * logs.student + sums.cross;',
      replace: 'return logs.student + sums.cross;',
    },
  ]),
  ...mutants('kernels/glsl/kl.glsl', oddRow, [
    {
      name: 'A + B in place of A - B',
      killedBy: values(' kl of logits, alone'),
      find: 'term.w * (term.b - term.a)',
      replace: 'term.w * (-term.b - term.a)',
    },
    {
      name: 'the nearly equal row forgets s - log(1 + s)',
      killedBy: numerics(' ?kl: digits T = 10000'),
      find: 'sums.cross / sums.teacher - log1pRest(logs.s)',
      replace: 'sums.cross / sums.teacher',
    },
    {
      name: "a sign in the teacher's gradient",
      killedBy: values(' kl of logits, alone'),
      find: '-c.p * (c.x + row.level)',
      replace: '-c.p * (c.x - row.level)',
    },
  ]),
  ...mutants('kernels/glsl/reverse_kl.glsl', oddRow, [
    {
      name: 'the value is left out of the gradient',
      killedBy: values('reverseKl of logits, alone'),
      find: 'c.q * (c.x - row.level)',
      replace: 'c.q * c.x',
    },
  ]),
  ...mutants('kernels/glsl/jsd.glsl', oddRow, [
    {
      name: 'the gradient has beta in place of 1 - beta',
      killedBy: values('jsd of logits, alone'),
      find: 'return (1.0 - mixtureBeta) * c.q * (logShare - row.level);',
      replace: 'return mixtureBeta * c.q * (logShare - row.level);',
    },
  ]),
  ...mutants('kernels/glsl/sums_sweep.glsl', oddRow, [
    {
      name: 'the class behind the last one is counted',
      find: 'addPlain(sums, z.x, v.x, float(hasSecond), maxima, inverseT);',
      replace: 'addPlain(sums, z.x, v.x, 1.0, maxima, inverseT);',
    },
    {
      name: 'a nearly equal row counts the class behind the last one',
      killedBy: numerics('crossEntropy: digits T = 10000'),
      find: 'float(hasSecond), maxima, reference, inverseT);',
      replace: '1.0, maxima, reference, inverseT);',
    },
    {
      name: 'the labels of a row leave out its last class',
      killedBy: values('even number of classes'),
      find: 'if (column + 1 < classes) addLabel(sums, z.y, label.y, maxima);',
      replace: 'if (column + 2 < classes) addLabel(sums, z.y, label.y, maxima);',
    },
  ]),
  ...mutants('kernels/glsl/maxima_sweep.glsl', oddRow, [
    {
      name: 'the maxima leave out every other class',
      killedBy: numerics('crossEntropy: digits logits of spread 3000 at T = 0.05'),
      find: 'largest.x = max(largest.x, max(z.x, z.y));',
      replace: 'largest.x = max(largest.x, z.x);',
    },
    {
      name: 'a mask on one side does not make a row far',
      killedBy: numerics('nearly agrees elsewhere'),
      find: 'select(hasStudent == hasTeacher, maxima.spread, FAR)',
      replace: 'maxima.spread',
    },
  ]),
  ...mutants('kernels/glsl/numbers.glsl', oddRow, [
    {
      name: 'what is not finite is not found',
      killedBy: numerics('crossEntropy: .*a class masked in both'),
      find: '(floatBitsToInt(x) & 0x7fffffff) + 0x00800000',
      replace: '(floatBitsToInt(x) & 0x7fffffff)',
    },
  ]),
  ...mutants('kernels/glsl/statistics_texel.glsl', oddRow, [
    {
      name: 'half-precision statistics lose what their rounding leaves',
      killedBy: suite('test/conformance/numerics.test.ts', 'webgl-f16-chromium', 'log sums'),
      find: '  texel.ba += rest.rg;',
      replace: '  second.rb += rest.ba * 0.0;',
    },
  ]),
  ...mutants('kernels/glsl/write_metrics.glsl', oddRow, [
    {
      name: 'the KL of a nearly equal row may be negative',
      killedBy: suite('test/conformance/metrics.test.ts', 'webgl-chromium', 'never negative'),
      find: 'max(rho - log1pRest(teacher.y / teacher.x + rho), 0.0)',
      replace: 'rho - log1pRest(teacher.y / teacher.x + rho)',
    },
  ]),
  ...mutants('kernels/glsl/merge_sums.glsl', oddRow, [
    {
      name: 'a merge leaves out its last lane',
      killedBy: values('shape .1,50257.'),
      find: 'lane < lanesBefore; lane += lanes',
      replace: 'lane < lanesBefore - 1; lane += lanes',
    },
  ]),
  ...mutants('kernels/glsl/maxima.glsl', oddRow, [
    {
      name: 'a nearly equal row is not measured from within its differences',
      killedBy: numerics('kl: digits T = 10000, of 30 classes'),
      find: 'return rounded(maxima.student - maxima.teacher);',
      replace: 'return 0.0;',
    },
  ]),
  ...mutants('kernels/glsl/merge_maxima.glsl', oddRow, [
    {
      name: 'a lane whose classes are all masked counts as one that is far off',
      killedBy: numerics('kl: digits T = 10000, of 300 classes three of four'),
      find: 'if ((other.flags & (HAS_STUDENT | HAS_TEACHER)) == 0) continue;',
      replace: '',
    },
    {
      name: 'lanes merge their spreads as if they had one reference',
      killedBy: numerics('kl: digits the models agree within every fourth pair'),
      find: 'other.spread + abs(referenceOf(other) - reference) : FAR',
      replace: 'other.spread : FAR',
    },
  ]),
  ...mutants('kernels/glsl/collect.glsl', oddRow, [
    {
      name: 'the last lanes of a row are not added',
      killedBy: values('shape .7,1000.'),
      find: 'for (int lane = 0; lane < lanes; lane++)',
      replace: 'for (int lane = 0; lane < lanes - 1; lane++)',
    },
    {
      name: 'of a shift between the models, its rounding is left out of the cross entropy',
      killedBy: numerics('crossEntropy: digits a shift changes nothing of 30'),
      find: ' - difference(maxima.student, maxima.teacher).y * inverseT.x;',
      replace: ';',
    },
  ]),
  ...mutants('kernels/glsl/write_gradient.glsl', oddRow, [
    {
      name: 'the gradient to the student is not divided by T',
      find: 'softFactor(factors) * inverseT.x * studentSlope(row, c)',
      replace: 'softFactor(factors) * studentSlope(row, c)',
    },
    {
      name: 'the share of the student in the gradient is not normalised',
      find: 'c.q = exp(c.logQ) * float(c.a >= EXP_FLOOR);',
      replace: 'c.q = exp(c.a) * float(c.a >= EXP_FLOOR);',
    },
    {
      name: 'a nearly equal row has the plain gradient',
      killedBy: numerics('crossEntropy: digits T = 10000'),
      find: 'c.x = select(c.hasStudent, nearness(z, v, row.reference, inverseT) - row.lambda, 0.0);',
      replace: 'c.x = c.logQ - logP;',
    },
    {
      name: 'the second row of a texel is the first',
      killedBy: layouts('multiplied'),
      find: 'RowOfFragment lower = rowOfFragment(min(row + 1, rows - 1));',
      replace: 'RowOfFragment lower = rowOfFragment(row);',
    },
    {
      name: 'smoothing is left out of the gradient',
      killedBy: values('crossEntropy of logits, with smoothed labels'),
      find: '((1.0 - labelSmoothing) * label + smoothingShare)',
      replace: '((1.0 - labelSmoothing) * label)',
    },
  ]),
  ...mutants('kernels/glsl/inputs.glsl', oddRow, [
    {
      name: "the teacher has the row's temperature whatever its own is",
      find: '  factors.inverseTemperatures.y = inverseTeacherTemperature;',
      replace: '',
      killedBy: values('kl of logits at a temperature of their own, alone'),
    },
    {
      name: 'T in place of T^2',
      find: 'factor *= factors.temperature * factors.temperature;',
      replace: 'factor *= factors.temperature;',
    },
    {
      name: 'a packed texture is read from its upper row alone',
      killedBy: layouts('multiplied'),
      find: 'mix(texel.rg, texel.ba, bvec2(walk.isLower))',
      replace: 'texel.rg',
    },
    {
      name: 'every row has the first T',
      killedBy: values('a temperature per row'),
      find: 'row * temperatureStride',
      replace: '0 * temperatureStride',
    },
    {
      name: 'a slice is read from the start of its texture',
      killedBy: layouts('sliced'),
      find: 'texelOf(offset + row * classes + 2 * lane, width)',
      replace: 'texelOf(row * classes + 2 * lane, width)',
    },
  ]),
  ...mutants('kernels/glsl/statistics.glsl', oddRow, [
    {
      name: 'an infinite loss is whatever was summed',
      killedBy: numerics('crossEntropy: .*p_i > 0 and z_i = -Infinity'),
      find: 'loss = isUnbounded ? infinity(factors.weight) : total;',
      replace: 'loss = total;',
    },
    {
      name: 'a divergence may be negative',
      killedBy: numerics(' ?kl: .*no row is negative'),
      find: '  divergence = max(divergence, 0.0);',
      replace: '  divergence = max(divergence, -1.0);',
    },
  ]),
];
