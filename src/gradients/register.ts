import { getGradient, registerGradient } from '@tensorflow/tfjs-core';
import { softmaxCrossEntropyWithTemperatureGradConfig } from './SoftmaxCrossEntropyWithTemperature_grad.ts';
import { softmaxCrossEntropyWithTemperatureGradGradConfig } from './SoftmaxCrossEntropyWithTemperatureGrad_grad.ts';

/** Registers the gradients with tfjs-core, once; called again it does nothing. */
export function registerGradients(): void {
  for (const config of [
    softmaxCrossEntropyWithTemperatureGradConfig,
    softmaxCrossEntropyWithTemperatureGradGradConfig,
  ]) {
    if (!getGradient(config.kernelName)) registerGradient(config);
  }
}
