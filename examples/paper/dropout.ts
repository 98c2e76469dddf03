import * as tf from '@tensorflow/tfjs';
import { Random } from '../random.ts';

/**
 * Dropout from one random byte per unit. That of tfjs draws a floating-point number for each, which was a
 * quarter of the teacher's step; and it can either not be seeded or drops the same units in every batch.
 */
export class Dropout extends tf.layers.Layer {
  static className = 'DropoutOfBytes';
  private random = new Random(0);
  /** By random byte: 0, or what makes up for the units that are dropped. */
  private readonly factors: Float32Array;

  constructor(rate: number) {
    super({});
    const dropped = Math.round(256 * rate);
    this.factors = Float32Array.from({ length: 256 }, (_, byte) =>
      byte < dropped ? 0 : 256 / (256 - dropped),
    );
  }

  /** What is dropped from here on depends on this alone. */
  reseed(seed: number): void {
    this.random = new Random(seed);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], { training }: { training?: boolean }): tf.Tensor {
    const units = Array.isArray(inputs) ? inputs[0] : inputs;
    return training === true ? tf.tidy(() => tf.mul(units, this.mask(units.shape))) : units;
  }

  private mask(shape: number[]): tf.Tensor {
    const bits = new Uint32Array(Math.ceil(tf.util.sizeFromShape(shape) / 4));
    for (let k = 0; k < bits.length; k++) bits[k] = this.random.bits();
    const bytes = new Uint8Array(bits.buffer);
    const values = new Float32Array(tf.util.sizeFromShape(shape));
    for (let k = 0; k < values.length; k++) values[k] = this.factors[bytes[k]];
    return tf.tensor(values, shape);
  }
}
