import * as tf from '@tensorflow/tfjs';
import type { Job } from './plan.ts';

const MOMENTUM = 0.9;

export type PacedOptimizer = tf.Optimizer & { setLearningRate(learningRate: number): void };

/** An optimizer whose learning rate can change, which that of tfjs's Adam cannot. */
export function optimizerOf({ optimizer, learningRate }: Job): PacedOptimizer {
  switch (optimizer) {
    case 'momentum':
      return tf.train.momentum(learningRate, MOMENTUM, true);
    case 'adam':
      return new PacedAdam(learningRate, 0.9, 0.999);
    default:
      return optimizer satisfies never;
  }
}

class PacedAdam extends tf.AdamOptimizer {
  setLearningRate(learningRate: number): void {
    this.learningRate = learningRate;
  }
}
