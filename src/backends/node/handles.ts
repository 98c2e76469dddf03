import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type OpAttribute, type TensorFlowBackendParts, typeAttribute } from './tensors.ts';

/** A tensor of TensorFlow, by the number that the native addon gives it. */
export type Handle = number;

/**
 * The tensors of TensorFlow that one call makes. tfjs does not know of them: its Tensor, scope and reference
 * count take as long as a small op. `free` ends all that are neither ended nor handed over yet, also after an
 * error.
 */
export class Handles {
  private readonly held = new Set<Handle>();
  private readonly lists = new Map<string, Handle>();

  constructor(private readonly backend: TensorFlowBackendParts) {}

  /** The handle of a tensor that belongs to tfjs, and still does afterwards. */
  of(tensor: TensorInfo): Handle {
    return this.backend.getInputTensorIds([tensor])[0];
  }

  /**
   * A tensor over these values: TensorFlow reads and writes them in place if they are aligned, else a copy.
   */
  floats(values: Float32Array, shape: number[]): Handle {
    const { binding } = this.backend;
    return this.hold(binding.createTensor(shape, binding.TF_FLOAT, values));
  }

  /** An int32 list. Equal lists share one tensor. */
  ints(...values: number[]): Handle {
    const key = values.join();
    let list = this.lists.get(key);
    if (list === undefined) {
      const { binding } = this.backend;
      list = this.hold(binding.createTensor([values.length], binding.TF_INT32, Int32Array.from(values)));
      this.lists.set(key, list);
    }
    return list;
  }

  /** Not initialised. */
  empty(shape: number[]): Handle {
    const { TF_FLOAT, TF_ATTR_BOOL } = this.backend.binding;
    const init = { name: 'init', type: TF_ATTR_BOOL, value: false };
    return this.run('Empty', [this.type('dtype', TF_FLOAT), init], [this.ints(...shape)]);
  }

  copy(tensor: Handle): Handle {
    return this.run('DeepCopy', [this.type('T')], [tensor]);
  }

  /** The same values under another shape; nothing is copied. */
  reshape(tensor: Handle, shape: number[]): Handle {
    const attributes = [this.type('T'), this.type('Tshape', this.backend.binding.TF_INT32)];
    return this.run('Reshape', attributes, [tensor, this.ints(...shape)]);
  }

  slice(tensor: Handle, begin: number[], size: number[]): Handle {
    const attributes = [this.type('T'), this.type('Index', this.backend.binding.TF_INT32)];
    return this.run('Slice', attributes, [tensor, this.ints(...begin), this.ints(...size)]);
  }

  /** Writes `source` over the rows of `target` from n on, in the memory of `target`. */
  update(target: Handle, n: number, source: Handle, rows: number): void {
    const indices = this.ints(...Array.from({ length: rows }, (_, i) => n + i));
    this.end(this.run('InplaceUpdate', [this.type('T')], [target, indices, source]));
  }

  end(...handles: Handle[]): void {
    for (const handle of handles) {
      this.held.delete(handle);
      this.backend.binding.deleteTensor(handle);
    }
  }

  /** Makes it a tensor of tfjs, which owns it from then on. */
  handOver(handle: Handle, shape: number[]): TensorInfo {
    const { backend } = this;
    this.held.delete(handle);
    const dataId = {};
    backend.tensorMap.set(dataId, {
      shape,
      dtype: backend.binding.TF_FLOAT,
      id: handle,
      values: null,
      refCount: 1,
    });
    return { dataId, shape, dtype: 'float32' };
  }

  free(): void {
    this.end(...this.held);
  }

  private type(name: string, type = this.backend.binding.TF_FLOAT): OpAttribute {
    return typeAttribute(this.backend, name, type);
  }

  private run(name: string, attributes: OpAttribute[], inputs: Handle[]): Handle {
    return this.hold(this.backend.binding.executeOp(name, attributes, inputs, 1)[0].id);
  }

  private hold(handle: Handle): Handle {
    this.held.add(handle);
    return handle;
  }
}
