import { getGradient, registerGradient } from '@tensorflow/tfjs-core';
import { registerBackends } from './backends/register.ts';
import { softmaxCrossEntropyWithTemperatureGradConfig } from './gradients/SoftmaxCrossEntropyWithTemperature_grad.ts';
import { softmaxCrossEntropyWithTemperatureGradGradConfig } from './gradients/SoftmaxCrossEntropyWithTemperatureGrad_grad.ts';

/** Registers every kernel and the gradients with tfjs-core, once; called again it does nothing. */
export function register(): void {
  registerBackends();
  for (const config of [
    softmaxCrossEntropyWithTemperatureGradConfig,
    softmaxCrossEntropyWithTemperatureGradGradConfig,
  ]) {
    if (!getGradient(config.kernelName)) registerGradient(config);
  }
}
