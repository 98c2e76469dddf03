import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type OpAttribute, type TensorFlowBackendParts, typeAttribute } from './tensors.ts';

/** One of TensorFlow's tensors, by the number that the binding gives it. */
export type Handle = number;

/**
 * TensorFlow's tensors within one call. tfjs is not told of them: a Tensor, its scope and its reference count take as long as a small op. `free` ends those
 * that were not ended or handed over, whatever went wrong.
 */
export class Handles {
  private readonly held = new Set<Handle>();
  private readonly lists = new Map<string, Handle>();

  constructor(private readonly backend: TensorFlowBackendParts) {}

  /** Of a tensor of tfjs, which remains tfjs's. */
  of(tensor: TensorInfo): Handle {
    return this.backend.getInputTensorIds([tensor])[0];
  }

  /** TensorFlow reads and writes where the values are, if they are aligned. */
  floats(values: Float32Array, shape: number[]): Handle {
    const { binding } = this.backend;
    return this.hold(binding.createTensor(shape, binding.TF_FLOAT, values));
  }

  /** int32; the same list is made once. */
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

  /** It holds whatever was there before. */
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

  /** As a tensor of tfjs, which owns it from now on. */
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
