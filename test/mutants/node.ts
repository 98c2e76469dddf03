import { type Mutant, mutants, suite } from './mutant.ts';

/** The row pass by TensorFlow's fused op. */
const values = suite('test/conformance/values.test.ts', 'tensorflow-fused-op');
const numerics = suite('test/conformance/numerics.test.ts', 'tensorflow-fused-op');
const memory = suite('test/conformance/memory.test.ts', 'tensorflow-fused-op');
const fusedOp = suite('test/conformance/tensorflow_fused_op.test.ts', 'tensorflow-fused-op');

export const nodeMutants: Mutant[] = [
  ...mutants('src/backends/node/fused_op.ts', values, [
    {
      name: 'T in place of T^2',
      find: 'product(soft, product(temperature, temperature))',
      replace: 'product(soft, temperature)',
    },
    {
      name: 'the gradient is not divided by T',
      find: 'quotient(soft, temperature)',
      replace: 'soft',
    },
    {
      name: 'the hard term is not weighed',
      find: 'const hard = product(factor, hardWeight);',
      replace: 'const hard = factor;',
    },
    {
      name: 'smoothing adds eps, not eps/C, to each class of a distribution',
      find: 'add(mul(distribution, 1 - eps), eps / classes)',
      replace: 'add(mul(distribution, 1 - eps), eps)',
    },
    {
      name: 'smoothing leaves the class of the id less than the rest',
      find: '[1 - eps + eps / classes, eps / classes]',
      replace: '[1 - eps, eps / classes]',
    },
    {
      name: 'kl has no entropy',
      find: 'negativeEntropy ? add(loss, negativeEntropy) : loss',
      replace: 'loss',
    },
    {
      name: 'large logits are scaled before they are shifted',
      find: 'const belowMaximum = sub(logits, max(logits, 1, true));',
      replace: 'const belowMaximum = logits;',
      killedBy: numerics,
    },
    {
      name: 'the op is given labels that do not sum to one',
      find: 'labelSum === 1 ? labels : div(labels, column(labelSum))',
      replace: 'labels',
      killedBy: numerics,
    },
    {
      name: 'the sum of unnormalised targets is left out of the gradient',
      find: 'column(product(teacherSum, ofGradient))',
      replace: 'column(ofGradient)',
      killedBy: numerics,
    },
    {
      name: 'a divergence is negative where rounding says so',
      find: 'isDivergence ? where(',
      replace: 'false ? where(',
      killedBy: fusedOp,
    },
    {
      name: 'near rows stay with the op',
      find: 'product(temperature, 1 / 4)',
      replace: 'product(temperature, -1)',
      killedBy: numerics,
    },
    {
      name: 'rows that are NaN to the op stay with it',
      find: 'equal(loss, loss)',
      replace: 'equal(zerosLike(loss), 0)',
      killedBy: numerics,
    },
    {
      name: 'rows stay with the op whatever their T is',
      find: 'conditions.push(greater(temperature, 0), less(temperature, Number.POSITIVE_INFINITY));',
      replace: 'conditions.push();',
      killedBy: numerics,
    },
    {
      name: 'an id that is no class is taken for one',
      find: 'conditions.push(equal(classIds, nearestClass(classIds, classes)));',
      replace: 'conditions.push();',
      killedBy: numerics,
    },
    {
      name: 'a row that the op does not fit takes all others with it',
      find: 'if (others.length === rows) {',
      replace: 'if (others.length > 0) {',
      killedBy: fusedOp,
    },
    {
      name: 'near rows of weight 0 are computed by the composition',
      find: 'logicalOr(isFar, equal(weight, 0))',
      replace: 'isFar',
      killedBy: fusedOp,
    },
    {
      name: 'softened logits are held while the op runs',
      find: 'tidy(() => softmax(scaled(teacher, temperature)))',
      replace: 'softmax(scaled(teacher, temperature))',
      killedBy: fusedOp,
    },
  ]),
  ...mutants('src/backends/node/replace_rows.ts', numerics, [
    {
      name: 'rows go where the first are',
      find: 'tensor2d(rows, [rows.length, 1]',
      replace: 'tensor2d(rows.map((_, k) => k), [rows.length, 1]',
    },
    {
      name: 'rows that are replaced have the temperature or the weight of the first',
      find: '    return gather(asTensor(info, size === rows ? [rows] : [rows, classes]), indices);',
      replace:
        '    return size === rows\n      ? gather(asTensor(info, [rows]), indices.map((_, k) => k))\n      : gather(asTensor(info, [rows, classes]), indices);',
      killedBy: fusedOp,
    },
    {
      name: 'what the composition made is not given up',
      find: 'engine().makeTensorFromTensorInfo(info)',
      replace: 'asTensor(info, info.shape)',
      killedBy: memory,
    },
  ]),
];
