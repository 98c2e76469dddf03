import { engine, type GradConfig, grad, mul, sum, type Tensor } from '@tensorflow/tfjs-core';
import { type ObjectiveAttrs, SoftmaxCrossEntropyWithTemperatureGrad } from '../kernel_names.ts';
import { INPUT_NAMES } from '../objective_inputs.ts';
import { inputsIn } from '../run_objective.ts';
import { differentiableLoss } from './differentiable_loss.ts';

/**
 * The gradient of a gradient. Both derivatives are tfjs's own, of the loss written in stock ops, so every
 * order beyond the first is right too; it is the one place where speed is left to the stock ops.
 */
export const softmaxCrossEntropyWithTemperatureGradGradConfig: GradConfig = {
  kernelName: SoftmaxCrossEntropyWithTemperatureGrad,
  inputsToSave: [...INPUT_NAMES],
  gradFunc: (dGradient, saved, savedAttrs): { [input: string]: () => Tensor } => {
    const attrs = savedAttrs as ObjectiveAttrs;
    const inputs = inputsIn(saved);
    const { teacher, student, weights } = inputs;
    const dy = dGradient as Tensor;
    const gradient = (v: Tensor, z: Tensor, w: Tensor) => {
      const loss = (v: Tensor, z: Tensor) =>
        differentiableLoss({ ...inputs, teacher: v, student: z, weights: w }, attrs);
      return attrs.outputs === 'teacherGradient' ? grad((v) => loss(v, z))(v) : grad((z) => loss(v, z))(z);
    };
    const project = (f: (x: Tensor) => Tensor) => grad((x: Tensor) => sum(mul(f(x), dy)));
    return {
      teacher: () => withOwnTape(() => project((v) => gradient(v, student, weights))(teacher)),
      student: () => withOwnTape(() => project((z) => gradient(teacher, z, weights))(student)),
      weights: () => withOwnTape(() => project((w) => gradient(teacher, student, w))(weights)),
    };
  },
};

/** tf.grad inside the last backward pass would end that pass's tape; f gets one of its own. */
export function withOwnTape<T>(f: () => T): T {
  const { state } = engine();
  const { activeTape } = state;
  try {
    return f();
  } finally {
    state.activeTape = activeTape;
  }
}
