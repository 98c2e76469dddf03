import { engine, keep, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { ensureBackend } from './backends/register.ts';
import {
  type ComputedInputs,
  type ObjectiveAttrs,
  type ObjectiveInputs,
  SoftmaxCrossEntropyWithTemperature,
} from './kernel_names.ts';
import { share } from './share.ts';

/** The tensors of an objective; null for those that are not given. All checked by the public op. */
export type ObjectiveTensors = { [name in keyof ObjectiveInputs]: Tensor | null } & {
  teacher: Tensor;
  student: Tensor;
};

/**
 * Runs the kernel and puts it on the tape. While gradients are recorded, one call computes the loss and the student's gradient together, off the
 * tape; a second call, which computes nothing, is what the tape sees: one output, with the gradient among the saved inputs. Were the gradient an
 * output on the tape, tfjs would allocate a zero gradient of [..., C] for it in every backward pass.
 */
export function runObjective<O extends Tensor>(
  tensors: ObjectiveTensors,
  attrs: Omit<ObjectiveAttrs, 'outputs'>,
): O {
  return tidy(() => {
    const { inputs, absent } = inputsOf(tensors);
    ensureKernels();
    if (!engine().isTapeOn()) return run<O>(inputs, { ...attrs, outputs: 'loss' });
    // A higher-order gradient computes the first-order one anew, differentiably, so storing it would be in vain.
    const stored = engine().state.gradientDepth === 1;
    const computed: ComputedInputs<Tensor> = withoutTape(() => {
      if (!stored) return { loss: run<Tensor>(inputs, { ...attrs, outputs: 'loss' }), dStudent: absent };
      const [loss, dStudent] = run<Tensor[]>(inputs, { ...attrs, outputs: 'lossAndStudentGradient' });
      return { loss, dStudent };
    });
    const loss = run<O>({ ...inputs, ...computed }, { ...attrs, outputs: 'loss' });
    // A gradient that is differentiated again must find its tensors on the tape, where tfjs puts what it clones.
    const copy = stored ? share : (tensor: Tensor) => tensor.clone();
    saveForBackwardPass({ ...inputs, dStudent: computed.dStudent }, copy);
    return loss;
  });
}

/** Runs the kernel for what `attrs.outputs` say, off the tape. */
export function runRowPass<T extends Tensor | Tensor[]>(tensors: ObjectiveTensors, attrs: ObjectiveAttrs): T {
  ensureKernels();
  return withoutTape(() => run<T>(inputsOf(tensors).inputs, attrs));
}

function ensureKernels(): void {
  const { backend, backendName } = engine(); // reading `backend` starts it if nothing has yet
  if (backend) ensureBackend(backendName);
}

/** The inputs by name, and the tensor that stands for those that are not given. */
function inputsOf(tensors: ObjectiveTensors): { inputs: ObjectiveInputs<Tensor>; absent: Tensor } {
  const absent: Tensor = engine().makeTensor(new Float32Array(0), [0], 'float32');
  const inputs = {
    teacher: tensors.teacher,
    student: tensors.student,
    temperature: tensors.temperature ?? absent,
    labels: tensors.labels ?? absent,
    weights: tensors.weights ?? absent,
  };
  return { inputs, absent };
}

/** What the backward pass is given, in this order. */
const SAVED = ['teacher', 'student', 'temperature', 'labels', 'weights', 'dStudent'] as const;
type SavedTensors = Record<(typeof SAVED)[number], Tensor>;

export function savedTensors(saved: readonly Tensor[]): SavedTensors {
  const [teacher, student, temperature, labels, weights, dStudent] = saved;
  return { teacher, student, temperature, labels, weights, dStudent };
}

/** Done here and not by `inputsToSave`, for which tfjs clones: on 'wasm' that copies the logits and the gradient, which takes as long as the kernel. */
function saveForBackwardPass(tensors: SavedTensors, copy: (tensor: Tensor) => Tensor): void {
  const node = engine().state.activeTape?.at(-1);
  if (node?.kernelName !== SoftmaxCrossEntropyWithTemperature) {
    throw new Error(`runObjective: tfjs's tape does not end with ${SoftmaxCrossEntropyWithTemperature}.`);
  }
  node.saved?.push(...SAVED.map((name) => keep(copy(tensors[name]))));
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
