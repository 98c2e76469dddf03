import { type Mutant, mutants, suite } from './mutant.ts';

const loop = suite('test/layers/distiller.test.ts', 'cpu', 'the loop of fit');
const wasmLoop = suite('test/layers/distiller.test.ts', 'wasm', 'the loop of fit');
const weighted = suite('test/layers/layers_loss.test.ts', 'cpu', 'sampleWeights');
const distiller = suite('test/layers/distiller.test.ts', 'cpu');

/** What stands between tfjs-layers and the loss. */
export const layersMutants: Mutant[] = [
  ...mutants('src/layers/rows.ts', loop, [
    {
      name: 'the first rows are taken, whatever their numbers',
      find: 'numbers[k] * size',
      replace: 'k * size',
    },
    {
      name: "rows of 'wasm' are read from where they are written",
      find: 'backend.typedArrayFromHeap(from)',
      replace: 'backend.typedArrayFromHeap(output)',
      killedBy: wasmLoop,
    },
  ]),
  ...mutants('src/layers/training_model.ts', loop, [
    {
      name: 'validation takes its rows from the training data',
      find: 'this.onRows(valF, valIns)',
      replace: 'this.onRows(valF, ins)',
    },
    {
      name: 'the numbers of rows are left behind',
      find: 'dispose(numbers)',
      replace: 'void numbers',
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
      find: 'classWeight !== null && isTraining',
      replace: 'classWeight !== null',
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
      find: 'batch.x, kwargs) as Tensor',
      replace: 'batch.x, {}) as Tensor',
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
      find: "divergence === 'kl' ? measured.kl",
      replace: "divergence === 'kl' ? measured.crossEntropy",
    },
  ]),
  ...mutants('src/layers/table.ts', distiller, [
    { name: 'rows are not counted', find: 'tensor.shape[0] === rows', replace: 'tensor.rank > 0' },
  ]),
  ...mutants('src/layers/layers_loss.ts', weighted, [
    {
      name: 'the weights of samples are not read',
      find: 'sampleWeights ? {',
      replace: '!sampleWeights ? {',
    },
  ]),
];
