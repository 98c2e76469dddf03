import { type Mutant, mutants, suite } from './mutant.ts';

const values = suite('test/conformance/values.test.ts', 'cpu');
const gradients = suite('test/conformance/gradients.test.ts', 'cpu');
const reductions = suite('test/conformance/reductions.test.ts', 'cpu');
const numerics = suite('test/conformance/numerics.test.ts', 'cpu');
const memory = suite('test/conformance/memory.test.ts', 'cpu');
const faults = suite('test/conformance/faults.test.ts', 'cpu');
const metrics = suite('test/conformance/metrics.test.ts', 'cpu');
const stockLike = suite('test/conformance/softmax_cross_entropy.test.ts', 'cpu');
const teacherTemperature = suite('test/conformance/teacher_temperature.test.ts', 'cpu');
const multiLabel = suite('test/conformance/multi_label_distillation_loss.test.ts', 'cpu');
const unit = suite('test/unit/arguments.test.ts', 'unit');

/** The public op, its gradients, and what lies between them and the kernels. */
export const opMutants: Mutant[] = [
  ...mutants('src/ops/distillation_loss.ts', values, [
    {
      name: 'the soft term is not scaled by T^2 unless asked',
      find: 'options.scaleByTemperatureSquared ?? true',
      replace: 'options.scaleByTemperatureSquared ?? false',
    },
    {
      name: 'alpha weighs the soft term',
      find: 'softWeight: alphaTensor ? 1 : 1 - alpha',
      replace: 'softWeight: alphaTensor ? 1 : alpha',
    },
    {
      name: 'label smoothing is dropped',
      find: 'labelSmoothing: checked.labelSmoothing',
      replace: 'labelSmoothing: 0',
    },
    {
      name: 'the default alpha is 0.1',
      find: '{ alpha = 0.5, labels }: DistillationOptions',
      replace: '{ alpha = 0.1, labels }: DistillationOptions',
      killedBy: reductions,
    },
    {
      name: 'the limits of the mixture are exchanged',
      find: "{ 0: 'kl', 1: 'reverseKl' }",
      replace: "{ 1: 'kl', 0: 'reverseKl' }",
      killedBy: reductions,
    },
    {
      name: 'the ignored rows are the ones that count',
      find: 'notEqual(labels.tensor, scalar(ignoreIndex',
      replace: 'equal(labels.tensor, scalar(ignoreIndex',
      killedBy: reductions,
    },
    {
      name: 'gradients always reach the teacher',
      find: 'checked.teacherGradient ? given : share(given)',
      replace: 'given',
      killedBy: gradients,
    },
    {
      name: 'a smoothing of 1 is accepted',
      find: '{ low: 0, high: 1, openAbove: true }',
      replace: '{ low: 0, high: 1 }',
      killedBy: unit,
    },
  ]),
  ...mutants('src/ops/keep_rows.ts', gradients, [
    {
      name: "an ignored row's NaN reaches the gradient to its weight",
      find: 'gradFunc: (dy: Tensor, [kept]: Tensor[]) => keepRows(dy, kept)',
      replace: 'gradFunc: (dy: Tensor) => dy',
    },
  ]),
  ...mutants('src/ops/labels.ts', numerics, [
    {
      name: 'a class id of NaN is class 0',
      find: '(id === (id | 0) ? id : outside)',
      replace: 'id',
    },
    {
      name: 'a class id of NaN is ignored with -1',
      find: 'ignoreIndex === -1 ? -2 : -1',
      replace: '-1',
    },
    {
      name: 'a class id of NaN on the device is whatever it is cast to',
      find: "where(isWhole, ids, fill(ids.shape, outside, 'int32'))",
      replace: 'ids',
      killedBy: suite('test/conformance/numerics.test.ts', 'webgl-chromium'),
    },
  ]),
  ...mutants('src/ops/reduce_rows.ts', gradients, [
    {
      name: "an ignored row's NaN reaches the gradient of a mean to all weights",
      find: 'keepRows(mul(dy, w), isWeighed)',
      replace: 'mul(dy, w)',
    },
    {
      name: 'the sum of weights is a constant to the gradient of a mean',
      find: 'sub(div(dy, divisor), div(ofSum, mul(divisor, divisor)))',
      replace: 'sub(div(dy, divisor), mul(ofSum, 0))',
    },
  ]),
  ...mutants('src/ops/reduce_rows.ts', reductions, [
    {
      name: 'the default reduction is the mean by weight',
      find: 'reduction ?? Reduction.SUM_BY_NONZERO_WEIGHTS',
      replace: 'reduction ?? Reduction.MEAN',
    },
    {
      name: 'a mean of equally weighted rows keeps their weight',
      find: 'reduction === Reduction.MEAN ? weights / weights : weights;',
      replace: 'weights;',
    },
    {
      name: 'a mean of rows that weigh NaN is that of rows that weigh 1',
      find: 'weights / weights',
      replace: '1',
    },
    { name: 'weights of 0 count as rows', find: 'notEqual(weights, 0)', replace: 'notEqual(weights, -1)' },
    {
      name: 'all weights 0 divide by 0',
      find: "withoutTape(() => cast(equal(total, 0), 'float32'))",
      replace: "withoutTape(() => cast(equal(total, -1), 'float32'))",
      killedBy: numerics,
    },
    {
      name: 'one weight for all rows is not divided by their number',
      find: 'scale: weights.size === 1 ? 1 / Math.max(rows, 1) : 1',
      replace: 'scale: 1',
    },
  ]),
  ...mutants('src/gradients/SoftmaxCrossEntropyWithTemperature_grad.ts', gradients, [
    {
      name: 'a constant incoming gradient is taken for 1',
      find: 'if (constant === 1) return',
      replace: 'if (constant !== null) return',
    },
    {
      name: 'the teacher gets the gradient of the student',
      find: "runGrad(inputs, attrs, 'teacherGradient', dy)",
      replace: "runGrad(inputs, attrs, 'studentGradient', dy)",
    },
    {
      name: 'a gradient computed anew forgets the weights',
      find: '? mul(reshape(weights, [weights.size]), flat) : flat',
      replace: '? flat : flat',
      killedBy: values,
    },
    {
      name: "the student's part of the gradient to T has the wrong sign",
      find: 'let rows = neg(rowDot(student',
      replace: 'let rows = (rowDot(student',
    },
    {
      name: 'the gradient to T forgets that T^2 moves too',
      find: 'rows = add(rows, mul(2, mul(value, dy)))',
      replace: 'rows = add(rows, mul(1, mul(value, dy)))',
    },
    {
      name: 'the gradient to T counts masked classes',
      find: 'where(none, zerosLike(gradient), products)',
      replace: 'products',
    },
    {
      name: 'a teacher of a fixed temperature has a part in the gradient to T',
      find: 'if (attrs.teacherTemperature === OF_STUDENT) rows',
      replace: 'if (attrs.teacherTemperature >= 0) rows',
      killedBy: teacherTemperature,
    },
    {
      name: 'the gradient to T takes that to probabilities for that to their logarithms',
      find: 'mul(p, sub(slope, mean))',
      replace: 'mul(p, slope)',
      killedBy: teacherTemperature,
    },
    {
      name: 'the gradient to the weights is weighted',
      find: 'givenInputs(inputs), weights: null }',
      replace: 'givenInputs(inputs) }',
    },
  ]),
  ...mutants('src/gradients/SoftmaxCrossEntropyWithTemperatureGrad_grad.ts', gradients, [
    {
      name: 'the second-order gradient to the student ignores what came in',
      find: 'sum(mul(f(x), dy))',
      replace: 'sum(f(x))',
    },
    {
      name: 'the second-order gradient to the teacher is that to the student',
      find: "attrs.outputs === 'teacherGradient' ?",
      replace: "attrs.outputs !== 'teacherGradient' ?",
    },
    { name: 'the tape is not given back', find: 'state.activeTape = activeTape;', replace: '' },
  ]),
  ...mutants('src/gradients/differentiable_loss.ts', gradients, [
    {
      name: 'the differentiable loss is not scaled',
      find: 'mul(sum(weighted), attrs.scale)',
      replace: 'sum(weighted)',
      killedBy: gradients,
    },
    {
      name: 'the differentiable loss drops T^2',
      find: "mul(soft, typeof t === 'number' ? t * t : square(t))",
      replace: 'soft',
      killedBy: gradients,
    },
    {
      name: 'the differentiable loss softens probabilities to one',
      find: 'p: mul(exp(logShare), mass)',
      replace: 'p: exp(logShare)',
      killedBy: teacherTemperature,
    },
    {
      name: "the differentiable loss takes the student's temperature for the teacher's",
      find: '        : attrs.teacherTemperature,\n  );',
      replace: '        : t,\n  );',
      killedBy: teacherTemperature,
    },
    {
      name: 'the differentiable loss smooths its labels by eps, not eps/C',
      find: 'mul(given, 1 - eps), eps / classes)',
      replace: 'mul(given, 1 - eps), eps)',
      killedBy: gradients,
    },
  ]),
  ...mutants('src/backends/register.ts', memory, [
    {
      name: 'a second tensor of the same data is not counted',
      find: '  backend.incRef(dataId);\n',
      replace: '',
    },
    {
      name: 'a sum of rows is the first row',
      find: 'total = alias(sum(engine().makeTensorFromTensorInfo(loss)), backend);',
      replace: 'total = { ...alias(engine().makeTensorFromTensorInfo(loss), backend), shape: [] };',
      killedBy: suite('test/conformance/reductions.test.ts', 'webgl-chromium'),
    },
  ]),
  ...mutants('src/run_objective.ts', memory, [
    {
      name: 'the gradient that was stored serves a gradient of a gradient',
      find: 'engine().state.gradientDepth === 1',
      replace: 'true',
      killedBy: gradients,
    },
    {
      name: 'what computes without a tape leaves its depth behind',
      find: 'state.kernelDepth--;',
      replace: '',
      killedBy: gradients,
    },
  ]),
  ...mutants('src/ops/sigmoid_elements.ts', multiLabel, [
    {
      name: 'logits that nearly agree lose their digits',
      find: 'if (engine().isTapeOn()) return',
      replace: 'return',
    },
    {
      name: 'a gradient of a gradient takes what has no derivative',
      find: 'if (engine().isTapeOn()) return sub(sigmoid(a), sigmoid(b));',
      replace: '',
    },
    {
      name: 'a class that has no part makes NaN',
      find: 'where(equal(weight, 0), 0, mul(weight, add(maximum(x, 0), small)))',
      replace: 'mul(weight, add(maximum(x, 0), small))',
    },
    {
      name: 'a probability of 1 is infinitely sure',
      find: 'where(equal(p, 1), most, logit)',
      replace: 'where(equal(p, 1), Number.NaN, logit)',
    },
  ]),
  ...mutants('src/ops/multi_label_distillation_loss.ts', multiLabel, [
    {
      name: 'rows of weight 0 are computed',
      find: 'return isKept === null ? flat : keepRows(flat, isKept);',
      replace: 'return isKept === null || isKept ? flat : flat;',
    },
    {
      name: 'the labels are summed',
      find: 'terms), 1), classes)',
      replace: 'terms), 1), 1)',
    },
  ]),
  ...mutants('src/arguments.ts', unit, [
    {
      name: 'T = 0 is accepted',
      find: 't > 0 && t < Number.POSITIVE_INFINITY',
      replace: 't >= 0 && t < Number.POSITIVE_INFINITY',
    },
    {
      name: 'a disposed tensor is not noticed',
      find: 'if (value.isDisposed)',
      replace: 'if (false)',
      killedBy: faults,
    },
    {
      name: 'a temperature of the teacher is dropped',
      find: 'isAsGiven ? 1 : t === temperature ? OF_STUDENT : t',
      replace: 'isAsGiven ? 1 : OF_STUDENT',
      killedBy: values,
    },
    {
      name: 'probabilities at T = 1 are not used as they are',
      find: `const isAsGiven = targets === 'probabilities' && t === 1;`,
      replace: 'const isAsGiven = false;',
    },
    { name: 'rank 7 is accepted', find: 'logits.rank > 6', replace: 'logits.rank > 7' },
    {
      name: 'a ragged array is accepted',
      find: 'lengthOf(item) !== lengthOf(value[0])',
      replace: 'false',
    },
    {
      name: 'arrays that tfjs does not know are accepted as rows',
      find: 'util.isTypedArray(value) ? null',
      replace: 'ArrayBuffer.isView(value) ? null',
    },
    {
      name: 'class ids for one-hot labels are not told of tf.oneHot',
      find: 'text(a) === text(b.slice(0, -1))',
      replace: 'false',
    },
  ]),
  ...mutants('src/ops/distillation_metrics.ts', metrics, [
    {
      name: 'weights that are all 0 divide by 0',
      find: 'totals[WEIGHT] === 0 ? 1 : totals[WEIGHT]',
      replace: 'totals[WEIGHT]',
    },
    {
      name: 'weights that are all 0 divide by 0 on the device',
      find: "add(weight, cast(equal(weight, 0), 'float32'))",
      replace: 'weight',
      killedBy: suite('test/conformance/metrics.test.ts', 'webgl-chromium'),
    },
    {
      name: 'metrics are recorded for gradients',
      find: 'withoutTape(() => meansOverRows(inputs, attrs))',
      replace: 'meansOverRows(inputs, attrs)',
      killedBy: suite('test/conformance/metrics.test.ts', 'webgl-chromium'),
    },
  ]),
  ...mutants('src/ops/softmax_cross_entropy.ts', stockLike, [
    {
      name: 'a mean forgets how often a weight is repeated',
      find: 'Math.max(1, losses.size / weights.size)',
      replace: '1',
    },
    {
      name: 'NaN of a row that counts nowhere reaches its gradient',
      find: 'withoutTape(() => largestOver(counts, rowShape))',
      replace: 'ones(rowShape)',
    },
    { name: 'losses do not broadcast against the weights', find: 'if (a === 1) return b;', replace: '' },
    {
      name: 'smoothing divides by shape[1]',
      find: 'labelSmoothing / classes)',
      replace: 'labelSmoothing / labels.shape[1])',
    },
  ]),
];
