/**
 * A step of Distiller.fit beside one of a loop written by hand: `npx tsx benchmarks/fit.ts --backend cpu`.
 * The loop shuffles, takes each batch by tf.gather, computes the loss and its gradients with
 * tf.variableGrads, applies them, and sums the loss (and the metrics, by distillationMetrics) for the end of
 * the epoch, which is what fit gives too. LayersModel.fit stands beside a loop of its own, with stock ops.
 * One process, epochs in turn; a step is an epoch over its batches.
 *
 * With --evaluate, a batch of evaluate in the same way. There the loop cuts its batches by tf.slice, and on
 * 'wasm', whose slice copies the whole tensor, takes them by tf.gather.
 */
import * as tf from '@tensorflow/tfjs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { NODE_BACKENDS, type NodeBackend } from '../scripts/node_backends.ts';
import { startBackend } from '../scripts/start_backend.ts';
import { distillationLoss, distillationMetrics } from '../src/index.ts';
import { Distiller, type DistillerCompileArgs } from '../src/layers/index.ts';
import { bareTable } from './bare_table.ts';
import { quantile } from './statistics.ts';

const BATCH = 128;
const WARM_UP = 2;
const TEMPERATURE = 4;
const OPTIONS = { temperature: TEMPERATURE, alpha: 0.1 };
/** Of the final losses, which differ by the order of the samples. */
const MOST_DIFFERENCE = 0.02;

interface Settings {
  backend: NodeBackend;
  units: number[];
  batches: number;
  rounds: number;
  evaluate?: boolean;
}

/** One epoch of training, or one evaluation; resolves to its mean loss. */
type Epoch = () => Promise<number>;

interface Data {
  x: tf.Tensor;
  labels: tf.Tensor;
  teacherLogits: tf.Tensor;
  probabilities: tf.Tensor;
}

function parse(): Settings {
  const count = (value: string) => {
    if (Number.isInteger(Number(value)) && Number(value) > 0) return Number(value);
    throw new InvalidArgumentError('Expected a positive integer.');
  };
  return new Command('npx tsx benchmarks/fit.ts')
    .description('Times a step of Distiller.fit beside one of a loop written by hand.')
    .addOption(
      new Option('-b, --backend <name>', 'trains on this backend').choices(NODE_BACKENDS).default('cpu'),
    )
    .addOption(
      new Option('-u, --units <sizes>', 'inputs, hidden units and classes of the student')
        .argParser((sizes: string) => sizes.split('-').map(count))
        .default([784, 32, 10], '784-32-10'),
    )
    .option('-n, --batches <number>', `batches of ${BATCH} in an epoch`, count, 50)
    .option('-r, --rounds <number>', 'epochs of each that are timed', count, 15)
    .option('-e, --evaluate', 'evaluate in place of training')
    .parse()
    .opts<Settings>();
}

function makeData({ units, batches }: Settings): Data {
  const [rows, classes] = [BATCH * batches, units[units.length - 1]];
  const teacherLogits = tf.randomNormal([rows, classes], 0, 3, 'float32', 1);
  return {
    x: tf.randomUniform([rows, units[0]], 0, 1, 'float32', 2),
    labels: tf.tidy(() => tf.cast(tf.floor(tf.randomUniform([rows], 0, classes, 'float32', 3)), 'int32')),
    teacherLogits,
    probabilities: tf.softmax(teacherLogits),
  };
}

function makeStudent([inputs, ...units]: number[]): tf.Sequential {
  const layers = units.map((size, k) =>
    tf.layers.dense({
      units: size,
      inputDim: k === 0 ? inputs : units[k - 1],
      kernelInitializer: tf.initializers.glorotUniform({ seed: k }),
      ...(k < units.length - 1 ? { activation: 'relu' as const } : {}),
    }),
  );
  return tf.sequential({ layers });
}

const makeOptimizer = () => tf.train.sgd(0.001);

type OfBatch<T> = (batch: tf.Tensor[], logits: tf.Tensor) => T;

/** Trains on rows of `columns`; `loss` and `metrics`, which are summed too, are means over a batch. */
function trainingLoop(
  columns: tf.Tensor[],
  student: tf.LayersModel,
  loss: OfBatch<tf.Scalar>,
  metrics: OfBatch<tf.Tensor[]> = () => [],
): Epoch {
  const optimizer = makeOptimizer();
  const variables = student.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const rows = columns[0].shape[0];
  return async () => {
    const order = Int32Array.from(tf.util.createShuffledIndices(rows));
    let sums: tf.Tensor[] = [];
    for (let start = 0; start < rows; start += BATCH) {
      const before = sums;
      sums = tf.tidy(() => {
        const ids = tf.tensor1d(order.slice(start, start + BATCH), 'int32');
        const batch = columns.map((column) => tf.gather(column, ids));
        const kept: tf.Tensor[] = [];
        const { value, grads } = tf.variableGrads(() => {
          const logits = student.apply(batch[0], { training: true }) as tf.Tensor;
          kept.push(tf.keep(logits));
          return loss(batch, logits);
        }, variables);
        optimizer.applyGradients(grads);
        const values = [value, ...metrics(batch, kept[0])].map((mean) => tf.mul(mean, ids.size));
        tf.dispose(kept);
        return values.map((sum, k) => (before.length > 0 ? tf.add(before[k], sum) : sum));
      });
      tf.dispose(before);
    }
    const totals = await Promise.all(sums.map((sum) => sum.data()));
    tf.dispose(sums);
    return totals[0][0] / rows;
  };
}

/** The same of a student as it is. */
function evaluationLoop(
  columns: tf.Tensor[],
  student: tf.LayersModel,
  loss: OfBatch<tf.Scalar>,
  metrics: OfBatch<tf.Tensor[]> = () => [],
): Epoch {
  const rows = columns[0].shape[0];
  return async () => {
    let sums: tf.Tensor[] = [];
    for (let start = 0; start < rows; start += BATCH) {
      const before = sums;
      sums = tf.tidy(() => {
        const size = Math.min(BATCH, rows - start);
        const ids = tf.getBackend() === 'wasm' ? tf.range(start, start + size, 1, 'int32') : null;
        const batch = columns.map((column) => (ids ? tf.gather(column, ids) : tf.slice(column, start, size)));
        const logits = student.apply(batch[0]) as tf.Tensor;
        const values = [loss(batch, logits), ...metrics(batch, logits)].map((mean) => tf.mul(mean, size));
        return values.map((sum, k) => (before.length > 0 ? tf.add(before[k], sum) : sum));
      });
      tf.dispose(before);
    }
    const totals = await Promise.all(sums.map((sum) => sum.data()));
    tf.dispose(sums);
    return totals[0][0] / rows;
  };
}

async function firstOf(evaluated: tf.Scalar | tf.Scalar[]): Promise<number> {
  const [loss] = await Promise.all([evaluated].flat().map((value) => value.data()));
  tf.dispose(evaluated);
  return loss[0];
}

function methodOf(
  { x, labels, teacherLogits }: Data,
  { units, evaluate }: Settings,
  compile: Partial<DistillerCompileArgs>,
): Epoch {
  const distiller = new Distiller({ student: makeStudent(units), teacher: teacherLogits, ...OPTIONS });
  distiller.compile({ optimizer: makeOptimizer(), ...compile });
  return evaluate
    ? async () => firstOf(distiller.evaluate(x, labels, { batchSize: BATCH, teacherLogits }))
    : async () => lastLoss(await distiller.fit(x, labels, { batchSize: BATCH, verbose: 0 }));
}

function stockMethodOf({ x, probabilities }: Data, { units, evaluate }: Settings): Epoch {
  const student = makeStudent(units);
  student.compile({ optimizer: makeOptimizer(), loss: (y, z) => tf.losses.softmaxCrossEntropy(y, z) });
  if (evaluate) return async () => firstOf(student.evaluate(x, probabilities, { batchSize: BATCH }));
  return async () => lastLoss(await student.fit(x, probabilities, { batchSize: BATCH, verbose: 0 }));
}

const lastLoss = ({ history }: tf.History) => Number(history.loss.at(-1));

/** Pairs of a loop written by hand and of fit or evaluate, by what they train. */
function pairsOf(data: Data, settings: Settings): Record<string, { loop: Epoch; method: Epoch }> {
  const columns = [data.x, data.labels, data.teacherLogits];
  const loss = ([, labels, teacher]: tf.Tensor[], logits: tf.Tensor) =>
    distillationLoss<tf.Scalar>(teacher, logits, { ...OPTIONS, labels });
  const metrics = ([, labels, teacher]: tf.Tensor[], logits: tf.Tensor) => {
    const values = distillationMetrics(teacher, logits, { temperature: TEMPERATURE, labels });
    const { crossEntropy, kl, agreement, hardLoss, accuracy } = values as Required<typeof values>;
    return [tf.mul(crossEntropy, TEMPERATURE ** 2), hardLoss, kl, agreement, accuracy];
  };
  const stock = ([, y]: tf.Tensor[], logits: tf.Tensor): tf.Scalar =>
    tf.losses.softmaxCrossEntropy(y, logits);
  const loopOver = settings.evaluate ? evaluationLoop : trainingLoop;
  const student = () => makeStudent(settings.units);
  return {
    'Distiller, metrics: []': {
      loop: loopOver(columns, student(), loss),
      method: methodOf(data, settings, { metrics: [] }),
    },
    'Distiller, five metrics': {
      loop: loopOver(columns, student(), loss, metrics),
      method: methodOf(data, settings, {}),
    },
    'LayersModel, stock ops': {
      loop: loopOver([data.x, data.probabilities], student(), stock),
      method: stockMethodOf(data, settings),
    },
  };
}

const settings = parse();
const { name, device } = await startBackend(settings.backend);
const pairs = pairsOf(makeData(settings), settings);
const epochs = Object.entries(pairs).flatMap(([trained, { loop, method }]) => [
  { trained, run: loop, times: [] as number[], loss: Number.NaN },
  { trained, run: method, times: [] as number[], loss: Number.NaN },
]);
for (let round = -WARM_UP; round < settings.rounds; round++) {
  for (const epoch of round % 2 === 0 ? epochs : epochs.toReversed()) {
    const start = performance.now();
    epoch.loss = await epoch.run();
    if (round >= 0) epoch.times.push((performance.now() - start) / settings.batches);
  }
}
const called = settings.evaluate ? 'evaluate' : 'fit';
const lines = Object.keys(pairs).map((trained) => {
  const [loop, method] = epochs.filter((epoch) => epoch.trained === trained);
  if (!(Math.abs(method.loss / loop.loss - 1) <= MOST_DIFFERENCE))
    throw new Error(`${trained}: the loop ends at a loss of ${loop.loss}, ${called} at ${method.loss}.`);
  const ratios = method.times.map((time, round) => time / loop.times[round]);
  const medians = [loop.times, method.times, ratios].map((samples) => quantile(samples, 0.5));
  return [trained, ...medians.map((median) => median.toFixed(2))];
});
console.log(`${name}, ${device}: [${BATCH}, ${settings.units.join('-')}], medians of ${settings.rounds}`);
console.log(bareTable(['', 'loop, ms', `${called}, ms`, `${called} / loop`], lines, ['']));
