/**
 * Training on tfjs's 'wasm' backend, many times as fast, and for models with embeddings and convolutions too.
 * An opt-in, because it changes kernels of that backend for the whole program: see {@link
 * registerWasmTraining}.
 *
 * @module tfjs-distill/wasm/training
 */
import {
  _FusedMatMul,
  BatchMatMul,
  Conv2DBackpropFilter,
  getKernel,
  Identity,
  type KernelBackend,
  type KernelConfig,
  type KernelFunc,
  registerKernel,
  type TensorInfo,
  UnsortedSegmentSum,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { batchMatMul, fusedMatMul } from './batch_mat_mul.ts';
import { conv2DBackpropFilter } from './conv_2d_backprop_filter.ts';
import { unsortedSegmentSum } from './unsorted_segment_sum.ts';

/**
 * In tfjs's registry, where another copy of this module (CommonJS beside ESM) finds it too. `replaced` is
 * what was registered before, null for nothing.
 */
type TrainingKernelConfig = KernelConfig & { replaced?: KernelConfig | null };

/** Kernels that take the place of tfjs's own, which they call for what it does well. */
const REPLACEMENTS: Record<string, (stock: KernelFunc) => KernelFunc> = {
  [BatchMatMul]: batchMatMul,
  [_FusedMatMul]: fusedMatMul,
  [Identity]: () => shared,
};

/** A second tensor with the same data, as on tfjs's other backends. */
function shared({ inputs: { x }, backend }: Parameters<KernelFunc>[0]): TensorInfo {
  if (!x) throw new Error('Identity: x is missing.');
  (backend as KernelBackend).incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}

/** Kernels that backend 'wasm' of tfjs 4.22 lacks; one that a later tfjs has is left alone. */
const ADDITIONS: Record<string, KernelFunc> = {
  [UnsortedSegmentSum]: unsortedSegmentSum,
  [Conv2DBackpropFilter]: conv2DBackpropFilter,
};

/**
 * Makes training on backend 'wasm' fast and complete. For the whole program, whoever calls tfjs, it changes
 * these kernels of that backend and nothing else; other backends and all gradients stay as they are:
 *
 * - `BatchMatMul`, behind `tf.matMul` and `tf.layers.dense`, forwards and backwards: a SIMD kernel of this
 *   package computes products with a transposed operand, for which tfjs takes 10 to 100 times as long as for
 *   others, batches (attention) likewise, and the remaining ones from 16 rows on. Results are those of tfjs
 *   up to the order in which a sum is rounded:
 *   equal to the bit for up to 48 products a sum, unless the engine has relaxed SIMD, which rounds less.
 *   Where tfjs runs with three threads or more, single products are left to its XNNPACK, after transposing.
 * - `_FusedMatMul`: transposed operands are transposed first.
 * - `Identity`, by which `tf.clone` and the gradient tape hold on to tensors, shares their data, as on other
 *   backends of tfjs, in place of copying it.
 * - `UnsortedSegmentSum`, the gradient of `tf.gather` and of embeddings, and `Conv2DBackpropFilter`, the
 *   gradient of convolutions, which tfjs lacks on 'wasm' (4.22): such models train there.
 *
 * Call it once, after the backend was imported. Called again it does nothing.
 *
 * ```js compile-only
 * import '@tensorflow/tfjs-backend-wasm';
 * import { registerWasmTraining } from 'tfjs-distill/wasm/training';
 *
 * registerWasmTraining();
 * ```
 *
 * @throws Error if @tensorflow/tfjs-backend-wasm was not imported before.
 */
export function registerWasmTraining(): void {
  for (const kernelName of Object.keys(REPLACEMENTS)) {
    if (getKernel(kernelName, 'wasm')) continue;
    throw new Error(
      `registerWasmTraining: backend 'wasm' has no kernel ${kernelName}: import '@tensorflow/tfjs-backend-wasm' first.`,
    );
  }
  for (const [kernelName, kernelOver] of Object.entries(REPLACEMENTS)) {
    const stock: TrainingKernelConfig = getKernel(kernelName, 'wasm');
    if (stock.replaced === undefined)
      register({ ...stock, kernelFunc: kernelOver(stock.kernelFunc), replaced: stock });
  }
  for (const [kernelName, kernelFunc] of Object.entries(ADDITIONS)) {
    if (!getKernel(kernelName, 'wasm'))
      register({ kernelName, backendName: 'wasm', kernelFunc, replaced: null });
  }
}

/**
 * Takes back what {@link registerWasmTraining} did: tfjs's own kernels serve again. Where it was not called,
 * it does nothing.
 */
export function unregisterWasmTraining(): void {
  for (const kernelName of [...Object.keys(REPLACEMENTS), ...Object.keys(ADDITIONS)]) {
    const config: TrainingKernelConfig | undefined = getKernel(kernelName, 'wasm');
    if (config?.replaced === undefined) continue;
    unregisterKernel(kernelName, 'wasm');
    if (config.replaced !== null) registerKernel(config.replaced);
  }
}

function register(config: TrainingKernelConfig): void {
  if (getKernel(config.kernelName, 'wasm')) unregisterKernel(config.kernelName, 'wasm');
  registerKernel(config);
}
