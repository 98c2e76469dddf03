import { backend_util, type KernelFunc, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { WasmBackendParts } from '../backends/wasm/index.ts';
import { withProducts } from '../backends/wasm/matmul.ts';

/** Numbers of the patches that are multiplied at once: 4 MB, which stay in the last cache. */
const PATCHES_SIZE = 1 << 20;

/** A type alias, not an interface: tfjs asks for an index signature. */
type FilterAttrs = {
  strides: number | [number, number];
  pad: Parameters<typeof backend_util.computeConv2DInfo>[4];
  dataFormat: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  filterShape: [number, number, number, number];
};

/**
 * The kernel Conv2DBackpropFilter, which tfjs's 'wasm' backend lacks: the gradient of a convolution to its
 * filter, [height, width, in, out]. For a few images at a time the patches of x that the filter meets are
 * written out, [places, height * width * in], and their transpose times dy is added up.
 */
export const conv2DBackpropFilter: KernelFunc = ({ inputs, attrs, backend: given }) => {
  const backend = given as WasmBackendParts;
  const { x, dy } = inputs as Record<'x' | 'dy', TensorInfo>;
  const info = convolutionOf(x.shape as [number, number, number, number], attrs as FilterAttrs);
  const out = backend.makeOutput(info.filterShape, 'float32');
  if (util.sizeFromShape(out.shape) === 0) return out;
  const places = info.outHeight * info.outWidth;
  const patchSize = info.filterHeight * info.filterWidth * info.inChannels;
  const images = Math.max(1, Math.min(info.batchSize, Math.floor(PATCHES_SIZE / (places * patchSize))));
  if (info.batchSize * places === 0) {
    backend.typedArrayFromHeap(out).fill(0);
    return out;
  }
  const patches = backend.makeOutput([images * places, patchSize], 'float32');
  backend.dataIdMap.get(x.dataId); // a tensor of another backend is brought over before anything is viewed
  withProducts(backend, (multiply) => {
    for (let image = 0; image < info.batchSize; image += images) {
      const count = Math.min(images, info.batchSize - image);
      const [from, to] = [x, patches].map((tensor) => backend.typedArrayFromHeap(tensor) as Float32Array);
      for (let n = 0; n < count; n++) writePatches(from, image + n, to, n * places * patchSize, info);
      multiply(
        { info: patches, rows: patchSize, columns: count * places, isTransposed: true },
        {
          info: dy,
          rows: count * places,
          columns: info.outChannels,
          offset: image * places * info.outChannels,
          isTransposed: false,
        },
        { info: out, accumulate: image > 0 },
      );
    }
  });
  backend.disposeData(patches.dataId);
  return out;
};

function convolutionOf(shape: [number, number, number, number], attrs: FilterAttrs): backend_util.Conv2DInfo {
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs;
  if (dataFormat !== 'NHWC') {
    throw new Error(
      `Conv2DBackpropFilter: backend 'wasm' has convolutions of 'NHWC' alone; got '${dataFormat}'.`,
    );
  }
  const format = backend_util.convertConv2DDataFormat(dataFormat);
  return backend_util.computeConv2DInfo(shape, filterShape, strides, 1, pad, dimRoundingMode, false, format);
}

/** The patches of one image, one for each place of the output; 0 where a patch reaches over the edge. */
function writePatches(
  x: Float32Array,
  image: number,
  patches: Float32Array,
  at: number,
  info: backend_util.Conv2DInfo,
): void {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, filterHeight, filterWidth } = info;
  const { strideHeight, strideWidth, padInfo } = info;
  const lineSize = filterWidth * inChannels;
  for (let row = 0; row < outHeight; row++) {
    for (let column = 0; column < outWidth; column++) {
      const left = column * strideWidth - padInfo.left;
      const first = Math.max(0, -left);
      const end = Math.min(filterWidth, inWidth - left);
      for (let line = 0; line < filterHeight; line++, at += lineSize) {
        const y = row * strideHeight - padInfo.top + line;
        if (y < 0 || y >= inHeight || first >= end) {
          patches.fill(0, at, at + lineSize);
          continue;
        }
        if (first > 0) patches.fill(0, at, at + first * inChannels);
        if (end < filterWidth) patches.fill(0, at + end * inChannels, at + lineSize);
        let from = ((image * inHeight + y) * inWidth + left + first) * inChannels;
        for (let to = at + first * inChannels; to < at + end * inChannels; to++) patches[to] = x[from++];
      }
    }
  }
}
