import { type Mutant, mutants, suite } from './mutant.ts';

const loop = suite('test/layers/distiller.test.ts', 'cpu', 'the loop of fit');
const evaluate = suite('test/layers/distiller.test.ts', 'cpu', 'evaluate');
const batches = suite('test/layers/batches.test.ts', 'cpu', 'Batches');
const wasmLoop = suite('test/layers/distiller.test.ts', 'wasm', 'the loop of fit');
const weighted = suite('test/layers/layers_loss.test.ts', 'cpu', 'sampleWeights');
const distiller = suite('test/layers/distiller.test.ts', 'cpu');
const endings = suite('test/layers/endings.test.ts', 'cpu');
const cached = suite('test/layers/cache_teacher_logits.test.ts', 'cpu');
const found = suite('test/layers/cached_logits.test.ts', 'cpu');
const averages = suite('test/layers/averages.test.ts', 'cpu');
const labels = suite('test/layers/labels.test.ts', 'cpu');
const between = suite('test/layers/between_fits.test.ts', 'cpu');
const inputs = suite('test/layers/inputs.test.ts', 'cpu');
const multiLabel = suite('test/layers/multi_label.test.ts', 'cpu');
const ensembles = suite('test/layers/ensembles.test.ts', 'cpu');
const given = suite('test/layers/arguments.test.ts', 'cpu');

/** What stands between tfjs-layers and the loss. */
export const layersMutants: Mutant[] = [
  ...mutants('src/layers/ending.ts', endings, [
    {
      name: 'a softmax behind other layers is not seen',
      find: 'TRANSPARENT_LAYERS.has(layer.getClassName()) ? tensor.inputs : []',
      replace: '[]',
    },
    {
      name: 'a quotient of anything is a softmax',
      find: '&& below.inputs.includes(above) ? above : null',
      replace: '? above : null',
    },
  ]),
  ...mutants('src/layers/plain_values.ts', endings, [
    {
      name: 'sigmoids pass for distributions',
      find: 'sumToOne &&= Math.abs(sum - 1) <= NEARLY;',
      replace: '',
    },
  ]),
  ...mutants('src/layers/notice_endings.ts', endings, [
    {
      name: 'every step looks at its values',
      find: 'seen.add(model);',
      replace: '',
    },
    {
      name: 'what is looked at later is kept',
      find: 'const free = () => few.dispose();',
      replace: 'const free = () => {};',
      killedBy: suite('test/layers/endings.test.ts', 'tensorflow'),
    },
  ]),
  ...mutants('src/layers/ensemble.ts', ensembles, [
    {
      name: 'probabilities are averaged as if they were logits',
      find: "if (targets === 'logits') return average(outputs);",
      replace: 'return average(outputs);',
    },
    {
      name: 'a member may be anything',
      find: 'isPredictor(teacher)) continue;',
      replace: 'isPredictor(teacher) || teacher) continue;',
    },
  ]),
  ...mutants('src/layers/multi_label.ts', multiLabel, [
    {
      name: 'the metrics do not count by weights',
      find: 'mul(ofRows, weights)',
      replace: 'mul(ofRows, 1)',
    },
    {
      name: 'a label is true above 0',
      find: 'greater(labels as Tensor, 0.5)',
      replace: 'greater(labels as Tensor, 1.5)',
    },
  ]),
  ...mutants('src/layers/inputs.ts', ensembles, [
    {
      name: 'every teacher takes the inputs of the first',
      find: 'start += own.length;',
      replace: '',
    },
  ]),
  ...mutants('src/layers/await_logits.ts', cached, [
    {
      name: 'what a teacher made before it waits is freed under its hands',
      find: 'kept = [...engine().state.activeScope.track];',
      replace: 'kept = [];',
    },
    {
      name: 'the tensor that a promise ends in is left behind',
      find: '[...given, ...tensorsIn(output)]',
      replace: '[...given]',
    },
  ]),
  ...mutants('src/layers/rows.ts', loop, [
    {
      name: 'the first rows are taken, whatever their numbers',
      find: 'numbers[k] * size',
      replace: 'k * size',
    },
    {
      name: "rows of 'wasm' are read from where they are written",
      find: 'copyRows(backend.typedArrayFromHeap(from)',
      replace: 'copyRows(backend.typedArrayFromHeap(output)',
      killedBy: wasmLoop,
    },
  ]),
  ...mutants('src/layers/batches.ts', batches, [
    {
      name: 'the rows are never shuffled',
      find: 'if (this.isShuffled)',
      replace: 'if (!this.isShuffled && false)',
    },
    {
      name: 'an epoch goes on where the last one was left',
      find: 'this.taken = 0;\n    if',
      replace: 'if',
    },
    {
      name: 'a batch outlives its step',
      find: 'column.dispose();',
      replace: 'void column;',
    },
  ]),
  ...mutants('src/layers/training_model.ts', loop, [
    {
      name: 'an epoch that follows a stopped one goes on behind it',
      find: 'this.batches?.startEpoch();',
      replace: '',
    },
    {
      name: 'the labels that were made for all batches are left behind',
      find: 'dispose([...last, ...columns.filter((column) => !given.includes(column))]);',
      replace: 'dispose(last);',
    },
    {
      name: 'a batch that was not trained on is left behind',
      find: 'dispose([...last, ...columns',
      replace: 'dispose([...columns',
      killedBy: between,
    },
    {
      name: 'evaluate runs what is for training alone',
      find: 'this.step.call(batch, {})',
      replace: 'this.step.call(batch, { training: true })',
      killedBy: evaluate,
    },
    {
      name: 'validation data is evaluated as the columns of the training data are',
      find: 'const model = this.validation?.model ?? this;\n    return oneOrAll(model.meansOver(',
      replace: 'const model = this;\n    return oneOrAll(model.meansOver(',
      killedBy: labels,
    },
  ]),
  ...mutants('src/layers/fit_logs.ts', averages, [
    {
      name: 'what regularisers add counts as often as there are batches',
      find: 'concat([each, ones([1])])',
      replace: 'concat([each, mul(ones([1]), 0)])',
    },
    {
      name: 'the loss of a batch counts by the weights of its metrics',
      find: '(k === 0 ? loss : metrics)',
      replace: '(k < 0 ? loss : metrics)',
    },
  ]),
  ...mutants('src/layers/weighted_means.ts', averages, [
    {
      name: 'batches count alike',
      find: 'const weighted = mul(values, weights);',
      replace: 'const weighted = mul(values, 1);',
    },
    {
      name: 'a sum over batches is divided by what counts',
      find: 'const divisors = this.isFirstSummed ?',
      replace: 'const divisors = this.isFirstSummed && false ?',
    },
    {
      name: 'an epoch begins with the sums of the last',
      find: 'this.totals = null;\n    this.weights',
      replace: 'this.weights',
    },
  ]),
  ...mutants('src/layers/row_hashes.ts', found, [
    { name: 'bits only go up', find: '(a << 13) | (a >>> 19)', replace: 'a' },
    {
      name: 'a row is hashed from its second number on',
      find: 'let i = row * size;',
      replace: 'let i = row * size + 1;',
    },
  ]),
  ...mutants('src/layers/cached_logits.ts', found, [
    {
      name: 'logits are taken from the first batch',
      find: 'this.batches.length * ROWS + row',
      replace: 'row',
    },
  ]),
  ...mutants('src/layers/dataset_tables.ts', found, [
    {
      name: 'the logits of an element are not used',
      find: 'const teacherLogits = own ?? found ?? inStep;',
      replace: 'const teacherLogits = found ?? inStep;',
    },
  ]),
  ...mutants('src/layers/optimizers.ts', between, [
    {
      name: 'the optimizer is given what is trainable alone',
      find: 'Array.from(seen, ({ name })',
      replace: 'Array.from(trainable, ({ name })',
    },
    {
      name: 'what a tape saved is left behind by a loss that throws',
      find: 'dispose(saved ?? []);',
      replace: 'void saved;',
    },
  ]),
  ...mutants('src/layers/argument_names.ts', given, [
    {
      name: 'unknown arguments are accepted',
      find: 'if (Object.hasOwn(known, name)) continue;',
      replace: 'if (name) continue;',
    },
  ]),
  ...mutants('src/layers/fit_settings.ts', loop, [
    {
      name: 'validation is split off the first rows',
      find: 'const split = end < rows ? cut(end, rows) : null;',
      replace: 'const split = end < rows ? cut(0, rows - end) : null;',
    },
  ]),
  ...mutants('src/layers/labels.ts', labels, [
    {
      name: 'an id past the last class is taken for one',
      find: 'id < classes',
      replace: 'id <= classes',
    },
    { name: 'rows of weight 0 are looked at', find: '] !== 0\n', replace: '] !== -1\n' },
  ]),
  ...mutants('src/layers/inputs.ts', inputs, [
    {
      name: 'inputs of the teacher go by position',
      find: 'const key = keys.find((key) => input',
      replace: 'const key = keys[wanted.indexOf(input)] ?? keys.find((key) => input',
    },
    {
      name: 'x is not checked against the shape of an input',
      find: 'if (shape === null || fits(given, shape)) return;',
      replace: 'if (shape !== undefined) return;',
    },
  ]),
  ...mutants('src/layers/sample_weights.ts', weighted, [
    {
      name: 'the weight is added to logits that are not shifted',
      find: 'sub(logits, max(logits, -1, true))',
      replace: 'sub(logits, 0)',
    },
    {
      name: 'NaN stays in a row of weight 0',
      find: 'logicalAnd(isNotANumber(weighted), equal(perRow, 0))',
      replace: 'logicalAnd(isNotANumber(weighted), equal(perRow, 1e30))',
    },
  ]),
  ...mutants('src/layers/distillation_layer.ts', distiller, [
    {
      name: 'class weights count in validation too',
      find: 'if (classWeight !== null && isTraining)',
      replace: 'if (classWeight !== null)',
    },
    {
      name: 'an ignored id is looked up among the class weights',
      find: 'mul(ids, kept)',
      replace: 'ids',
    },
    {
      name: 'ignored rows count',
      find: "factors.push(cast(kept, 'float32'))",
      replace: 'void kept',
    },
    {
      name: "the student's regularisers are forgotten",
      find: 'return this.distillation.student.calculateLosses();',
      replace: 'return [];',
    },
    {
      name: 'the student is applied as in evaluation',
      find: 'x[0] : x, kwargs) as Tensor',
      replace: 'x[0] : x, {}) as Tensor',
    },
  ]),
  ...mutants('src/layers/measures.ts', distiller, [
    {
      name: 'softLoss is scaled by T',
      find: 'temperature ** 2',
      replace: 'temperature',
    },
    {
      name: 'softLoss is scaled by T^2 where the loss is not',
      find: 'if (!scaleByTemperatureSquared) return value.clone();',
      replace: '',
    },
    {
      name: 'softLoss of jsd counts by weight what counts once elsewhere',
      find: '{ ...soft, reduction: Reduction.MEAN }',
      replace: 'soft',
    },
    {
      name: 'softLoss of kl is the cross entropy',
      find: "kl: 'kl',",
      replace: "kl: 'crossEntropy',",
    },
  ]),
  ...mutants('src/layers/table.ts', distiller, [
    { name: 'rows are not counted', find: 'tensor.shape[0] === rows', replace: 'tensor.rank > 0' },
  ]),
  ...mutants('src/layers/cache_teacher_logits.ts', cached, [
    {
      name: 'the last batch is taken for a whole one',
      find: 'Math.min(rows, start + batchSize)',
      replace: 'start + batchSize',
    },
    { name: 'rows done are counted by batches', find: 'rows += rowsOfBatch;', replace: 'rows += 1;' },
    { name: 'inputs are left behind', find: 'disposeTensors(batch);', replace: '' },
    {
      name: 'the elements of a dataset are left behind',
      find: 'disposeTensors(element);',
      replace: '',
    },
  ]),
  ...mutants('src/layers/teacher.ts', distiller, [
    {
      name: 'the classes of a graph model are not looked up',
      find: "typeof classes === 'number' && classes > 0 ? classes : null",
      replace: 'null',
    },
  ]),
  ...mutants('src/layers/dataset.ts', distiller, [
    {
      name: 'the first element is lost',
      find: 'return isAtHead ? head : own.next();',
      replace: 'return own.next();',
    },
    {
      name: 'the size of a dataset is lost',
      find: 'size: dataset.size ?? Number.NaN',
      replace: 'size: Number.NaN',
    },
    {
      name: 'the size of two datasets in step is lost',
      find: 'size: first.size,',
      replace: 'size: Number.NaN,',
    },
  ]),
  ...mutants('src/layers/distiller_arguments.ts', distiller, [
    {
      name: 'a student of two outputs is accepted',
      find: 'student.outputs.length !== 1',
      replace: 'student.outputs.length < 1',
    },
    {
      name: 'losses of rows are accepted',
      find: 'options.reduction === Reduction.NONE',
      replace: 'options.reduction === 99',
    },
    {
      name: 'alpha 0 asks for labels',
      find: 'const { alpha, labelSmoothing, ignoreIndex, ...others } = options;',
      replace: 'const { labelSmoothing, ignoreIndex, ...others } = options;',
    },
  ]),
  ...mutants('src/layers/layers_loss.ts', weighted, [
    {
      name: 'the weights of samples are not read',
      find: 'sampleWeights ? {',
      replace: '!sampleWeights ? {',
    },
  ]),
];
