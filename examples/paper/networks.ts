import * as tf from '@tensorflow/tfjs';
import { DIGITS, IMAGE_SIZE } from '../mnist.ts';
import { Dropout } from './dropout.ts';
import type { Job } from './plan.ts';

/**
 * The squared length that a unit's incoming weights may have in Hinton et al., arXiv 1207.0580, which the
 * paper refers to for its teacher, is 15.
 */
const MAX_NORM = Math.sqrt(15);

/** Two hidden layers of ReLU and ten logits, regularised where the job asks for it. */
export function network({ units, seed, targets }: Job): tf.LayersModel {
  const isRegularised = targets.kind === 'labelsRegularised';
  const { inputs, hidden } = isRegularised ? targets.dropout : { inputs: 0, hidden: 0 };
  const dropout = (rate: number) => (rate > 0 ? [new Dropout(rate)] : []);
  const dense = (units: number, layer: number) =>
    tf.layers.dense({
      units,
      kernelInitializer: tf.initializers.heNormal({ seed: 100 * seed + layer }),
      ...(isRegularised ? { kernelConstraint: tf.constraints.maxNorm({ maxValue: MAX_NORM, axis: 0 }) } : {}),
    });
  const layers = [
    ...dropout(inputs),
    dense(units, 1),
    tf.layers.reLU(),
    ...dropout(hidden),
    dense(units, 2),
    tf.layers.reLU(),
    ...dropout(hidden),
    dense(DIGITS, 3),
  ];
  const input = tf.input({ shape: [IMAGE_SIZE] });
  const output = layers.reduce<tf.SymbolicTensor>(
    (symbol, layer) => layer.apply(symbol) as tf.SymbolicTensor,
    input,
  );
  return tf.model({ inputs: input, outputs: output });
}

/** What the network drops in an epoch is the same for the same seed. */
export function reseedDropout(network: tf.LayersModel, seed: number): void {
  network.layers
    .filter((layer) => layer instanceof Dropout)
    .forEach((layer, k) => {
      layer.reseed(10 * seed + k);
    });
}

/**
 * tfjs-layers applies a constraint when a weight is written, but not when an optimizer changes it; so weights
 * are written anew.
 */
export function applyConstraints(network: tf.LayersModel): void {
  for (const layer of network.layers) {
    for (const weight of layer.trainableWeights) tf.tidy(() => void weight.write(tf.clone(weight.read())));
  }
}
