import { type Mutant, mutants, suite } from './mutant.ts';

// The plain JavaScript kernel serves 'cpu' where the SIMD kernel does not.
const values = suite('test/conformance/values.test.ts', 'cpu-js');
const numerics = suite('test/conformance/numerics.test.ts', 'cpu-js');

export const jsMutants: Mutant[] = mutants('kernels/js/row_pass.ts', values, [
  { name: 'a sign in the cross entropy', find: 'a -= wi * ai;', replace: 'a += wi * ai;' },
  { name: "a sign in the teacher's entropy", find: 'b -= wi * bi;', replace: 'b += wi * bi;' },
  { name: 'a sign in the reverse cross entropy', find: 'e -= ui * bi;', replace: 'e += ui * bi;' },
  {
    name: 'the gradient is not divided by T',
    find: 'start, t, (weight * softFactor) / t, soft)',
    replace: 'start, t, weight * softFactor, soft)',
  },
  {
    name: 'T in place of T^2',
    find: '(objective.scaleByTemperatureSquared ? t * t : 1)',
    replace: '(objective.scaleByTemperatureSquared ? t : 1)',
  },
  {
    name: 'the maxima leave out the last class',
    find: 'for (let i = start; i < start + classes; i++) {\n      const z = student[i];',
    replace: 'for (let i = start; i < start + classes - 1; i++) {\n      const z = student[i];',
  },
  {
    name: 'every row has the first weight',
    find: 'weights[weights.length === 1 ? 0 : n]',
    replace: 'weights[0]',
  },
  {
    name: 'every row has the first T',
    find: 'temperature[temperature.length === 1 ? 0 : n]',
    replace: 'temperature[0]',
  },
  {
    name: 'the mixture is weighed the other way round',
    find: 'return -Math.log(beta + (1 - beta) * Math.exp(logQuotient));',
    replace: 'return -Math.log(1 - beta + beta * Math.exp(logQuotient));',
  },
  {
    name: 'smoothing adds eps, not eps/C, to each class of the gradient',
    find: '(1 - eps) * label + eps / classes',
    replace: '(1 - eps) * label + eps',
  },
  {
    name: 'the mass of unnormalised targets is left out of the gradient',
    find: '(logits ? 1 : sumTeacher) / sumStudent',
    replace: '1 / sumStudent',
    killedBy: numerics,
  },
  {
    name: 'a class id of C is read',
    find: 'labels[n] < classes;',
    replace: 'labels[n] <= classes;',
    killedBy: numerics,
  },
  {
    name: 'a row of weight 0 is computed',
    find: 'if (weight === 0) {',
    replace: 'if (weight === -1) {',
    killedBy: numerics,
  },
  {
    name: 'a nearly equal row is summed plainly',
    find: "return logits && kl < SMALL ? this.smallDivergence(start, t, 'teacher') : kl;",
    replace: 'return kl;',
    killedBy: numerics,
  },
  {
    name: 'nearly equal mixtures are summed plainly',
    find: "return targets === 'logits' && sum < SMALL ? this.smallMixture(start, t) : sum;",
    replace: 'return sum;',
    killedBy: numerics,
  },
]);
