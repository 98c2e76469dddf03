import * as tf from '@tensorflow/tfjs-core';
import type { Random } from './random.ts';

/** A multi-layer perceptron that ends in logits: dense layers with ReLU between them. */
export class Mlp {
  private readonly kernels: tf.Variable[] = [];
  private readonly biases: tf.Variable[] = [];

  /**
   * Of `sizes` units: inputs first, classes last. Kernels are uniform after He et al., arXiv 1502.01852,
   * biases 0.
   */
  constructor(sizes: number[], random: Random) {
    for (let k = 1; k < sizes.length; k++) {
      const [inputs, units] = [sizes[k - 1], sizes[k]];
      const bound = Math.sqrt(6 / inputs);
      const values = Float32Array.from({ length: inputs * units }, () => bound * (2 * random.uniform() - 1));
      this.kernels.push(tf.tidy(() => tf.variable(tf.tensor2d(values, [inputs, units]))));
      this.biases.push(tf.tidy(() => tf.variable(tf.zeros([units]))));
    }
  }

  get variables(): tf.Variable[] {
    return [...this.kernels, ...this.biases];
  }

  get parameters(): number {
    return this.variables.reduce((sum, { size }) => sum + size, 0);
  }

  /** [rows, inputs] to [rows, classes]. */
  logits(inputs: tf.Tensor2D): tf.Tensor2D {
    let units: tf.Tensor = tf.add(tf.matMul(inputs, this.kernels[0]), this.biases[0]);
    for (let k = 1; k < this.kernels.length; k++) {
      units = tf.add(tf.matMul(tf.relu(units), this.kernels[k]), this.biases[k]);
    }
    return units as tf.Tensor2D;
  }

  dispose(): void {
    tf.dispose(this.variables);
  }
}
