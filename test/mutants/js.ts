import { type Mutant, mutants, suite } from './mutant.ts';

// The plain JavaScript kernel serves 'cpu' where the SIMD kernel does not.
const values = suite('test/conformance/values.test.ts', 'cpu-js');
const numerics = suite('test/conformance/numerics.test.ts', 'cpu-js');
const teacherTemperature = suite('test/conformance/teacher_temperature.test.ts', 'cpu-js');
const metrics = suite('test/conformance/metrics.test.ts', 'cpu-js');

const optionsOfRows = suite('test/conformance/options_of_rows.test.ts', 'cpu-js');

export const jsMutants: Mutant[] = [
  ...mutants('kernels/js/temperatures.ts', values, [
    {
      name: 'every row has the first T, and the first weight in metrics',
      find: 'values[values.length === 1 ? 0 : n]',
      replace: 'values[0]',
    },
    {
      name: 'a T of the teacher that is none is computed with',
      find: 'isTemperature(student) && isTemperature(teacher)',
      replace: 'isTemperature(student)',
      killedBy: optionsOfRows,
    },
  ]),
  ...mutants('kernels/js/row_pass.ts', optionsOfRows, [
    {
      name: 'a row whose alpha is 0 needs a valid label',
      find: 'const hasLabels = hard !== null && alphaOfRow !== 0;',
      replace: 'const hasLabels = hard !== null;',
    },
    {
      name: 'an alpha above 1 is computed with',
      find: '(alphaOfRow >= 0 && alphaOfRow <= 1)',
      replace: 'alphaOfRow >= 0',
    },
  ]),
  ...mutants('kernels/js/row_pass.ts', values, [
    {
      name: 'the gradient is not divided by T',
      find: 'divergence.studentSlopes(row, soft, toSoft / t, dStudent)',
      replace: 'divergence.studentSlopes(row, soft, toSoft, dStudent)',
    },
    {
      name: 'the gradient to the teacher is not divided by T',
      find: 'divergence.teacherSlopes(row, value, factor / row.teacherTemperature, out)',
      replace: 'divergence.teacherSlopes(row, value, factor, out)',
    },
    {
      name: 'T in place of T^2',
      find: '(objective.scaleByTemperatureSquared ? t * t : 1)',
      replace: '(objective.scaleByTemperatureSquared ? t : 1)',
    },
    {
      name: 'every row has the first weight',
      find: '(weights === null ? 1 : valueOfRow(weights, n));\n    if',
      replace: '(weights === null ? 1 : weights[0]);\n    if',
    },
    {
      name: 'a row of weight 0 is computed',
      find: 'if (weight === 0) {',
      replace: 'if (weight === -1) {',
      killedBy: numerics,
    },
    {
      name: 'a class that is masked in both has a slope',
      find: 'out[start + i] = isNoClass ? 0 :',
      replace: 'out[start + i] = false ? 0 :',
      killedBy: numerics,
    },
    {
      name: 'the gradient through a softening leaves out the sum',
      find: 'factor * (ofMass + own /',
      replace: 'factor * (own /',
    },
    {
      name: "the gradient through a softening has the student's T",
      find: '(teacherTemperature * row.given(i))',
      replace: 'row.given(i)',
    },
  ]),
  ...mutants('kernels/js/soft_row.ts', values, [
    { name: 'a sign in the cross entropy', find: 'a -= wi * ai;', replace: 'a += wi * ai;' },
    { name: "a sign in the teacher's entropy", find: 'b -= wi * bi;', replace: 'b += wi * bi;' },
    {
      name: "a sign in the student's entropy",
      find: 'd -= ui * ai;',
      replace: 'd += ui * ai;',
      killedBy: metrics,
    },
    {
      name: 'the maxima leave out the last class',
      find: 'for (let i = start; i < start + classes; i++) {\n      const z = student[i];',
      replace: 'for (let i = start; i < start + classes - 1; i++) {\n      const z = student[i];',
    },
    {
      name: 'probabilities are divided by their sum',
      find: 'this.teacherMass = sumTeacher;',
      replace: 'this.teacherMass = sumTeacher;\n        this.perTeacher = 1 / sumTeacher;',
      killedBy: numerics,
    },
    {
      name: "the teacher has the row's temperature whatever its own is",
      find: 'this.inverseTeacherTemperature = 1 / teacher;',
      replace: 'this.inverseTeacherTemperature = 1 / student;',
    },
    {
      name: 'softened probabilities are not scaled to the sum they had',
      find: 'this.isDistribution ? 1 : given;',
      replace: '1;',
    },
    {
      name: 'the rounding of a sum of probabilities counts as a divergence',
      find: '<= ROUNDING_OF_SUM',
      replace: '<= 0',
      killedBy: teacherTemperature,
    },
    {
      name: 'a probability below 0 is softened as 0',
      find: "reading === 'softenedProbabilities' ? 0 : Number.NEGATIVE_INFINITY",
      replace: 'Number.NEGATIVE_INFINITY',
      killedBy: teacherTemperature,
    },
  ]),
  ...mutants('kernels/js/cross_entropy.ts', numerics, [
    {
      name: 'the mass of unnormalised targets is left out of the gradient',
      find: 'teacherMass / sumStudent',
      replace: '1 / sumStudent',
    },
    {
      name: 'the gradient to a teacher is finite where the loss is not',
      find: 'const none = value === Number.POSITIVE_INFINITY ? Number.NaN : 0;',
      replace: 'const none = 0;',
    },
  ]),
  ...mutants('kernels/js/kl.ts', numerics, [
    {
      name: 'a nearly equal row is summed plainly',
      find: 'return row.isDistribution && difference < SMALL ? sumOfExcesses(row) : difference;',
      replace: 'return difference;',
    },
    {
      name: 'the mean is left out of the slope to the teacher',
      find: '-factor * p * (row.logRatio(i) + value)',
      replace: '-factor * p * row.logRatio(i)',
      killedBy: values,
    },
  ]),
  ...mutants('kernels/js/reverse_kl.ts', numerics, [
    {
      name: 'a nearly equal row is summed plainly',
      find: 'return row.isDistribution && sum < SMALL ? sumOfExcesses(row) : sum;',
      replace: 'return sum;',
    },
    {
      name: 'the gradient is finite where the loss is not',
      find: 'const none = value === Number.POSITIVE_INFINITY ? Number.NaN : 0;',
      replace: 'const none = 0;',
    },
  ]),
  ...mutants('kernels/js/jsd.ts', values, [
    {
      name: 'the mixture is weighed the other way round',
      find: 'Math.log(beta * row.teacherShare(i) + (1 - beta) * row.studentShare(i))',
      replace: 'Math.log((1 - beta) * row.teacherShare(i) + beta * row.studentShare(i))',
    },
    {
      name: 'nearly equal mixtures are summed plainly',
      find: 'return row.isDistribution && sum < SMALL ? compareClosely(row) : sum;',
      replace: 'return sum;',
      killedBy: numerics,
    },
    {
      name: 'nearly equal mixtures keep the logarithms of far ones',
      find: '      studentOverMixture[i] = -Math.log1p(overQ);\n',
      replace: '',
      killedBy: numerics,
    },
  ]),
  ...mutants('kernels/js/hard_term.ts', values, [
    {
      name: 'smoothing adds eps, not eps/C, to each class of the gradient',
      find: '(1 - eps) * label + eps / classes',
      replace: '(1 - eps) * label + eps',
    },
    {
      name: 'a class id of C is read',
      find: 'labels[n] < classes)',
      replace: 'labels[n] <= classes)',
      killedBy: numerics,
    },
    {
      name: 'labels that sum to another number than 1 count as 1',
      find: 'this.smoothedSum = (1 - eps) * labelSum + eps;',
      replace: 'this.smoothedSum = 1;',
      killedBy: numerics,
    },
  ]),
];
