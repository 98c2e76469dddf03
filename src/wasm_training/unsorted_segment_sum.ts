import { type KernelFunc, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { WasmBackendParts } from '../backends/wasm/index.ts';

/**
 * The kernel UnsortedSegmentSum, which tfjs's 'wasm' backend lacks: out[s] is the sum over those n of x[n]
 * whose id is s. It is the gradient of gather and of embeddings. Ids outside of [0, numSegments) leave their
 * part of x out, as on other backends.
 */
export const unsortedSegmentSum: KernelFunc = ({ inputs, attrs, backend: given }) => {
  const backend = given as WasmBackendParts;
  const { x, segmentIds } = inputs as Record<'x' | 'segmentIds', TensorInfo>;
  const numSegments = Number(attrs?.numSegments);
  const [length, ...inner] = x.shape;
  if (segmentIds.shape.length !== 1 || segmentIds.shape[0] !== length) {
    throw new Error(
      `UnsortedSegmentSum: segmentIds must be one for each place of x's first axis, of shape [${length}]; got shape [${segmentIds.shape}].`,
    );
  }
  const size = util.sizeFromShape(inner);
  const out = backend.makeOutput([numSegments, ...inner], x.dtype);
  // A tensor of another backend is brought over when it is first asked for; views come after the last
  // allocation.
  for (const { dataId } of [x, segmentIds]) backend.dataIdMap.get(dataId);
  const [values, ids, sums] = [x, segmentIds, out].map((info) => backend.typedArrayFromHeap(info));
  sums.fill(0);
  for (let n = 0; n < length; n++) {
    const segment = ids[n];
    if (segment < 0 || segment >= numSegments) continue;
    for (let i = 0; i < size; i++) sums[segment * size + i] += values[n * size + i];
  }
  return out;
};
