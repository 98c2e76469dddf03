import {
  add,
  cast,
  div,
  engine,
  equal,
  type Scalar,
  scalar,
  slice,
  sum,
  type Tensor,
  type TypedArray,
  tensor1d,
  tidy,
  unstack,
} from '@tensorflow/tfjs-core';
import { METRICS } from '../../kernels/metrics.ts';
import type { Targets } from '../../kernels/objective.ts';
import {
  checkOneOf,
  checkOptionNames,
  pairOfLogits,
  perRowTensor,
  type TensorArgument,
  teacherTemperatureArgument,
  temperatureArgument,
} from '../arguments.ts';
import { ensureBackend } from '../backends/register.ts';
import { valuesOnCpu } from '../backends/values_on_cpu.ts';
import { calledBy } from '../called_by.ts';
import { DistillationMetrics, type MetricsAttrs } from '../kernel_names.ts';
import { NOTHING_BESIDE, type ObjectiveInputs, withAbsent } from '../objective_inputs.ts';
import { withoutTape } from '../run_objective.ts';
import { labelsArgument } from './labels.ts';

const NAME = 'distillationMetrics';
const WEIGHT = METRICS.indexOf('weight');

/** The options of {@link distillationMetrics}; all are optional. */
export interface DistillationMetricsOptions {
  /** T > 0, finite: one number (or a tensor of rank 0), or one per row `[...]`. Default 1. Values in a tensor are not checked; a wrong one makes its row NaN. */
  temperature?: number | TensorArgument;
  /** T of the teacher, finite and > 0: one number, or one per row `[...]`. Default: `temperature`, for each row its own. */
  teacherTemperature?: number | TensorArgument;
  /** How to read `teacher`: as logits (default), or as probabilities at T = 1, which are softened as for {@link distillationLoss}; with `teacherTemperature: 1` they are used as they are. */
  targets?: Targets;
  /** Adds `hardLoss` and `accuracy`. Class ids `[...]`, int32 or whole numbers in float32, each in [0, C); or a distribution, float32 `[..., C]`. */
  labels?: TensorArgument;
  /** One number (or a tensor of rank 0), or one per row `[...]`. Default 1. A row of weight 0 does not count, whatever it holds. */
  weights?: number | TensorArgument;
}

/** Scalars, float32; losses and entropies in nats, of p = softmax(v/T), with the teacher's T, and q = softmax(z/T). The caller disposes them, by tf.dispose for example. */
export type DistillationMetricValues = {
  /** -sum p log q, without any factor T^2. */
  crossEntropy: Scalar;
  /** KL(p||q) = crossEntropy - teacherEntropy, computed so that it stays exact when teacher and student nearly agree. */
  kl: Scalar;
  /** -sum p log p. */
  teacherEntropy: Scalar;
  /** -sum q log q. */
  studentEntropy: Scalar;
  /** Share of rows in which teacher and student put the same class first; among equal logits the first counts, as in tf.argMax. */
  agreement: Scalar;
  /** With labels: -sum y log softmax(z), at T = 1. */
  hardLoss?: Scalar;
  /** With labels: share of rows in which the student puts the label first. */
  accuracy?: Scalar;
};

const OPTIONS: Record<keyof DistillationMetricsOptions, true> = {
  temperature: true,
  teacherTemperature: true,
  targets: true,
  labels: true,
  weights: true,
};

/**
 * How close the student is to its teacher, and to the labels if given, from one pass over the logits: weighted means over rows, sum w x / sum w. Constants for gradients.
 *
 * ```js
 * const {kl, agreement} = distillationMetrics(teacherLogits, studentLogits, {temperature: 4});
 * kl.print();
 * ```
 *
 * @param teacher v, logits `[..., C]`, rank 1 to 6; or probabilities, see `targets`.
 * @param student z, logits `[..., C]` of the same shape.
 * @param options temperature, labels and weights: {@link DistillationMetricsOptions}.
 * @returns Scalars by name; hardLoss and accuracy with labels only. A row that holds NaN or +Infinity, or a class id that is no whole number in [0, C), makes all of them NaN unless
 *     its weight is 0. Where all weights are 0, or there are no rows, all are 0.
 * @throws TypeError if an argument or option is of the wrong kind.
 * @throws RangeError if the temperature is not a finite number above 0, or targets is an unknown word.
 * @throws Error if shapes do not fit, or an option is unknown.
 */
export function distillationMetrics(
  teacher: TensorArgument,
  student: TensorArgument,
  options: DistillationMetricsOptions & { labels: TensorArgument },
): Required<DistillationMetricValues>;
export function distillationMetrics(
  teacher: TensorArgument,
  student: TensorArgument,
  options?: DistillationMetricsOptions,
): DistillationMetricValues;
export function distillationMetrics(
  teacher: TensorArgument,
  student: TensorArgument,
  options: DistillationMetricsOptions = {},
): DistillationMetricValues {
  checkOptionNames(options, OPTIONS, NAME);
  const targets = checkOneOf(options.targets ?? 'logits', ['logits', 'probabilities'], 'targets', NAME);
  return tidy(() => {
    const [given, studentLogits] = pairOfLogits({ teacher, student }, NAME);
    const rowShape = studentLogits.shape.slice(0, -1);
    const { temperature, temperatureTensor } = temperatureArgument(options.temperature ?? 1, rowShape, NAME);
    const labels = labelsArgument(options.labels, studentLogits, undefined, NAME);
    const { teacherTemperature, teacherTemperatureTensor } = teacherTemperatureArgument(
      options.teacherTemperature,
      { targets, temperature },
      rowShape,
      NAME,
    );
    const { weights } = options;
    const inputs = withAbsent<Tensor>(
      {
        ...NOTHING_BESIDE,
        teacher: given,
        student: studentLogits,
        temperature: temperatureTensor,
        teacherTemperature: teacherTemperatureTensor,
        labels: labels.tensor,
        weights: weights === undefined ? null : perRowTensor(weights, rowShape, 'weights', NAME),
      },
      tensor1d([], 'float32'),
    );
    const attrs: MetricsAttrs = { targets, teacherTemperature, labels: labels.kind, temperature };
    const { hardLoss, accuracy, ...soft } = calledBy(NAME, () =>
      withoutTape(() => meansOverRows(inputs, attrs)),
    );
    return labels.tensor === null ? soft : { ...soft, hardLoss, accuracy };
  });
}

function meansOverRows(inputs: ObjectiveInputs<Tensor>, attrs: MetricsAttrs) {
  const { backend, backendName } = engine(); // reading `backend` starts it if nothing has yet
  if (backend) ensureBackend(backendName);
  const rows = engine().runKernel<Tensor>(DistillationMetrics, inputs, attrs);
  const values = valuesOnCpu(rows);
  const means = values === null ? deviceMeans(rows) : cpuMeans(values);
  const [crossEntropy, kl, teacherEntropy, studentEntropy, agreement, hardLoss, accuracy] = means;
  return { crossEntropy, kl, teacherEntropy, studentEntropy, agreement, hardLoss, accuracy };
}

function deviceMeans(rows: Tensor): Scalar[] {
  const totals = sum(rows, 0);
  const weight = slice(totals, WEIGHT, 1);
  return unstack(div(totals, add(weight, cast(equal(weight, 0), 'float32')))) as Scalar[];
}

/** Where the values can be had at once: twenty kernels fewer, which is most of what measuring a small batch costs. */
function cpuMeans(rows: TypedArray): Scalar[] {
  const totals = new Float64Array(METRICS.length);
  for (let i = 0; i < rows.length; i++) totals[i % METRICS.length] += rows[i];
  const weight = totals[WEIGHT] === 0 ? 1 : totals[WEIGHT];
  return Array.from(totals, (total) => scalar(total / weight));
}
