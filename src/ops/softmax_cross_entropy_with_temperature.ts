import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { CROSS_ENTROPY } from '../../kernels/objective.ts';
import { pairOfLogits, type TensorArgument, temperatureArgument } from '../arguments.ts';
import { NOTHING_BESIDE } from '../objective_inputs.ts';
import { runObjective } from '../run_objective.ts';

const NAME = 'softmaxCrossEntropyWithTemperature';

/**
 * The cross entropy of two softened distributions, per row, in nats:
 *
 *     -sum_i p_i log q_i,   p = softmax(teacherLogits / T),   q = softmax(studentLogits / T)
 *
 * without any factor T^2. The gradient to the student's logits is (q_i - p_i)/T, to the teacher's p_i (E_p[z/T] - z_i/T)/T, each times the incoming
 * gradient of its row and computed only when asked for; second-order gradients are correct too. Source: Hinton, Vinyals, Dean, "Distilling the
 * Knowledge in a Neural Network", arXiv 1503.02531, section 2.
 *
 * ```js
 * const loss = softmaxCrossEntropyWithTemperature([[1, 2, 3]], [[3, 2, 1]], 2);
 * loss.print(); // [1.327...]
 * ```
 *
 * @param teacherLogits v, `[..., C]`, rank 1 to 6; float32, int32 or bool (cast to float32).
 * @param studentLogits z, the same shape.
 * @param temperature T > 0: one number (or a tensor of rank 0), or one per row, `[...]`. Default 1. Values in a tensor are not read
 *     back to be checked: where T is not a finite number above 0, the row is NaN.
 * @returns float32 `[...]`. A row that holds NaN or +Infinity is NaN; -Infinity masks a class.
 * @throws TypeError if an argument is neither a numeric tensor nor numbers.
 * @throws RangeError if the temperature is not a finite number above 0.
 * @throws Error if the shapes differ, or there is no class.
 */
export function softmaxCrossEntropyWithTemperature<O extends Tensor = Tensor>(
  teacherLogits: TensorArgument,
  studentLogits: TensorArgument,
  temperature: number | TensorArgument = 1,
): O {
  return tidy(() => {
    const [teacher, student] = pairOfLogits({ teacherLogits, studentLogits }, NAME);
    const rowShape = student.shape.slice(0, -1);
    const { temperature: t, temperatureTensor } = temperatureArgument(temperature, rowShape, NAME);
    return runObjective<O>(
      { ...NOTHING_BESIDE, teacher, student, temperature: temperatureTensor },
      { ...CROSS_ENTROPY, temperature: t, reduction: 'none' },
    );
  });
}
