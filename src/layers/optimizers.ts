import {
  dispose,
  engine,
  type NamedTensorMap,
  type Optimizer,
  type Scalar,
  type Variable,
} from '@tensorflow/tfjs-core';
import { input, model } from '@tensorflow/tfjs-layers';

/** As tfjs-layers makes it, which has no other public way to. */
export function optimizerNamed(name: string): Optimizer {
  const symbol = input({ shape: [1] });
  const weightless = model({ inputs: symbol, outputs: symbol });
  weightless.compile({ optimizer: name, loss: 'meanSquaredError' });
  return weightless.optimizer;
}

/** The variables that an optimizer was given, in the order in which it first saw them. */
const SEEN = new WeakMap<Optimizer, Set<Variable>>();

/**
 * A step on the variables that are trainable now. tfjs's optimizers keep what they know of a variable (its moments) at its place in the list that they are given, so all variables that
 * were ever trained stay in the list, without a gradient where they are frozen: each keeps its own.
 *
 * @returns the loss.
 */
export function minimize(optimizer: Optimizer, loss: () => Scalar, trainable: readonly Variable[]): Scalar {
  const seen = SEEN.get(optimizer) ?? new Set();
  SEEN.set(optimizer, seen);
  for (const variable of trainable) seen.add(variable);
  const { value, grads } = withTapeFreed(() => optimizer.computeGradients(loss, [...trainable]));
  const gradients: NamedTensorMap = grads;
  optimizer.applyGradients(Array.from(seen, ({ name }) => ({ name, tensor: gradients[name] })));
  dispose(gradients);
  return value;
}

/** Where the loss throws, tfjs leaves what its ops saved for the gradient. */
function withTapeFreed<T>(gradients: () => T): T {
  try {
    return gradients();
  } catch (error) {
    const { state } = engine();
    if (state.gradientDepth === 0) {
      for (const { saved } of state.activeTape ?? []) dispose(saved ?? []);
      state.activeTape = [];
    }
    throw error;
  }
}
