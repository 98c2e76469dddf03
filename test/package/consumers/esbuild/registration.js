// Nothing is used of the package, so all that is left of it is what its import does.
import { getKernel } from '@tensorflow/tfjs-core';
import 'tfjs-distill';

globalThis.registered = getKernel('SoftmaxCrossEntropyWithTemperature', 'webgpu') !== undefined;
