import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { WebGLBackend } from './backend.ts';

/** A [rows, classes] input as a shader reads it: kernels/glsl/inputs.glsl. */
export interface InputMatrix {
  info: TensorInfo;
  isPacked: boolean;
  /** Packed: rows of the innermost matrices of the tensor, each of which begins a new texel. */
  matrixRows: number;
  /** Unpacked: values in front of the first one, of a tensor that is a slice of another. */
  offset: number;
  /** A line of the texture is a row of classes, or two if packed. */
  isDirect: boolean;
}

/** Keeps account of what a row pass borrows and makes on the way, and gives it all back. */
export class Textures {
  private readonly temporaries: TensorInfo[] = [];
  private readonly views: TensorInfo[] = [];

  constructor(private readonly backend: WebGLBackend) {}

  /**
   * An input of any rank and layout. Never a uniform, which tfjs makes of small tensors that are not uploaded
   * yet.
   *
   * @param packAs the shape to pack it as if it is not packed; null to take it as it is.
   */
  matrix(info: TensorInfo, rows: number, classes: number, packAs: number[] | null): InputMatrix {
    const matrix = this.matrixAsItIs(info, rows, classes);
    if (matrix.isPacked || packAs === null) return matrix;
    const packed = this.backend.packTensor({ ...matrix.info, shape: packAs });
    return {
      info: this.texels(this.temporary(packed)),
      isPacked: true,
      matrixRows: packAs[packAs.length - 2],
      offset: 0,
      isDirect:
        packAs.every((size, k) => k >= packAs.length - 2 || size === 1) &&
        this.widthOf(packed) === evenUp(classes),
    };
  }

  /** In values. */
  private widthOf({ dataId }: TensorInfo): number {
    return this.backend.texData.get(dataId).texShape?.[1] ?? 0;
  }

  private matrixAsItIs({ dataId, dtype }: TensorInfo, rows: number, classes: number): InputMatrix {
    this.backend.uploadToGPU(dataId);
    const { isPacked, shape, slice } = this.backend.texData.get(dataId);
    const view = { dataId, shape: [rows, classes], dtype };
    if (!isPacked) {
      const offset = slice?.flatOffset ?? 0;
      const isDirect = offset === 0 && classes > 1 && this.widthOf(view) === classes;
      return { info: view, isPacked: false, matrixRows: 1, offset, isDirect };
    }
    if (shape[shape.length - 1] !== classes) {
      // The same data under a shape with other innermost dimensions.
      const unpacked = this.temporary(this.backend.unpackTensor(view));
      return {
        info: unpacked,
        isPacked: false,
        matrixRows: 1,
        offset: 0,
        isDirect: classes > 1 && this.widthOf(unpacked) === classes,
      };
    }
    const matrixRows = shape.length > 1 ? shape[shape.length - 2] : 1;
    return {
      info: this.texels({ dataId, shape, dtype }),
      isPacked: true,
      matrixRows,
      offset: 0,
      isDirect: matrixRows === rows && this.widthOf(view) === evenUp(classes),
    };
  }

  /** One value, or one per row. */
  vector({ dataId, shape, dtype }: TensorInfo): TensorInfo {
    return { dataId, shape: [util.sizeFromShape(shape)], dtype };
  }

  /**
   * A packed texture as a matrix of its texels, so that a program may read it beside unpacked ones. tfjs
   * would unpack it into a copy; to a program that asks for the texel itself a texture is a texture.
   */
  texels({ dataId }: TensorInfo): TensorInfo {
    const { texture, texShape } = this.backend.texData.get(dataId);
    const [height, width] = texShape ?? [1, 1];
    const shape: [number, number] = [Math.ceil(height / 2), Math.ceil(width / 2)];
    const view = this.backend.makeTensorInfo(shape, 'float32');
    Object.assign(this.backend.texData.get(view.dataId), { texture, texShape: shape });
    this.views.push(view);
    return view;
  }

  /** Hands over a tensor that ends with the row pass. */
  temporary(info: TensorInfo): TensorInfo {
    this.temporaries.push(info);
    return info;
  }

  dispose(): void {
    for (const view of this.views) {
      this.backend.texData.get(view.dataId).texture = null; // it belongs to another tensor
      this.backend.disposeIntermediateTensorInfo(view);
    }
    for (const info of this.temporaries) this.backend.disposeIntermediateTensorInfo(info);
  }
}

function evenUp(size: number): number {
  return 2 * Math.ceil(size / 2);
}
