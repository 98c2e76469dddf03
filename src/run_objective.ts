import { engine, keep, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { ensureBackend } from './backends/register.ts';
import {
  type ComputedInputs,
  type ObjectiveAttrs,
  SoftmaxCrossEntropyWithTemperature,
} from './kernel_names.ts';
import { type GivenInputs, INPUT_NAMES, type ObjectiveInputs, withAbsent } from './objective_inputs.ts';
import { share } from './share.ts';

/**
 * Runs the kernel and puts it on the tape. While gradients are recorded, one call computes the loss and the
 * student's gradient together, off the tape; a second call, which computes nothing, is what the tape sees:
 * one output, with the gradient among the saved inputs. Were the gradient an output on the tape, tfjs would
 * allocate a zero gradient of [..., C] for it in every backward pass.
 */
export function runObjective<O extends Tensor>(
  tensors: GivenInputs<Tensor>,
  attrs: Omit<ObjectiveAttrs, 'outputs'>,
): O {
  return tidy(() => {
    const { inputs, absent } = inputsOf(tensors);
    ensureKernels();
    if (!engine().isTapeOn()) return run<O>(inputs, { ...attrs, outputs: 'loss' });
    // A higher-order gradient computes the first-order one anew, differentiably, so storing it would be in
    // vain.
    const stored = engine().state.gradientDepth === 1;
    const computed: ComputedInputs<Tensor> = withoutTape(() => {
      if (!stored) return { loss: run<Tensor>(inputs, { ...attrs, outputs: 'loss' }), dStudent: absent };
      const [loss, dStudent] = run<Tensor[]>(inputs, { ...attrs, outputs: 'lossAndStudentGradient' });
      return { loss, dStudent };
    });
    const loss = run<O>({ ...inputs, ...computed }, { ...attrs, outputs: 'loss' });
    // A gradient that is differentiated again must find its tensors on the tape, where tfjs puts what it
    // clones.
    const copy = stored ? share : (tensor: Tensor) => tensor.clone();
    saveForBackwardPass({ inputs, dStudent: computed.dStudent }, copy);
    return loss;
  });
}

/** Runs the kernel for what `attrs.outputs` say, off the tape. */
export function runRowPass<T extends Tensor | Tensor[]>(
  tensors: GivenInputs<Tensor>,
  attrs: ObjectiveAttrs,
): T {
  ensureKernels();
  return withoutTape(() => run<T>(inputsOf(tensors).inputs, attrs));
}

function ensureKernels(): void {
  const { backend, backendName } = engine(); // reading `backend` starts it if nothing has yet
  if (backend) ensureBackend(backendName);
}

/** The inputs by name, and the tensor that stands for those that are not given. */
function inputsOf(tensors: GivenInputs<Tensor>): { inputs: ObjectiveInputs<Tensor>; absent: Tensor } {
  const absent: Tensor = engine().makeTensor(new Float32Array(0), [0], 'float32');
  return { inputs: withAbsent(tensors, absent), absent };
}

/** What the backward pass is given: the inputs in their order, then the student's gradient. */
interface SavedTensors {
  inputs: ObjectiveInputs<Tensor>;
  /** Of size 0 if it was not stored. */
  dStudent: Tensor;
}

export function savedTensors(saved: readonly Tensor[]): SavedTensors {
  return { inputs: inputsIn(saved), dStudent: saved[INPUT_NAMES.length] };
}

/** The inputs that tfjs saved in the order of their names. */
export function inputsIn(saved: readonly Tensor[]): ObjectiveInputs<Tensor> {
  return Object.fromEntries(INPUT_NAMES.map((name, k) => [name, saved[k]])) as ObjectiveInputs<Tensor>;
}

/**
 * Done here and not by `inputsToSave`, for which tfjs clones: on 'wasm' that copies the logits and the
 * gradient, which takes as long as the kernel.
 */
function saveForBackwardPass({ inputs, dStudent }: SavedTensors, copy: (tensor: Tensor) => Tensor): void {
  const node = engine().state.activeTape?.at(-1);
  if (node?.kernelName !== SoftmaxCrossEntropyWithTemperature) {
    throw new Error(`runObjective: tfjs's tape does not end with ${SoftmaxCrossEntropyWithTemperature}.`);
  }
  const saved = [...INPUT_NAMES.map((name) => inputs[name]), dStudent];
  node.saved?.push(...saved.map((tensor) => keep(copy(tensor))));
}

function run<T extends Tensor | Tensor[]>(
  inputs: ObjectiveInputs<Tensor> & Partial<ComputedInputs<Tensor>>,
  attrs: ObjectiveAttrs,
): T {
  return engine().runKernel<T>(SoftmaxCrossEntropyWithTemperature, inputs, attrs);
}

/** Runs f as tfjs runs the inside of a kernel: what it computes is not recorded. */
export function withoutTape<T>(f: () => T): T {
  const { state } = engine();
  state.kernelDepth++;
  try {
    return f();
  } finally {
    state.kernelDepth--;
  }
}
