import * as tf from '@tensorflow/tfjs-core';

/** Lets the page draw. Browsers draw no frames in a hidden tab, where the training goes on. */
export function nextFrame(): Promise<void> {
  return document.hidden ? new Promise((done) => setTimeout(done)) : tf.nextFrame();
}
