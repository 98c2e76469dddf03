/** What is timed: shapes that people distil with, and the shapes that the package's claims are about. */
export interface Workload {
  name: string;
  /** Where the shape comes from. */
  source: string;
  rows: number;
  classes: number;
}

const VOC = 'PASCAL VOC, 20 classes and the background';
const IMAGENET_21K = 'ImageNet-21k, winter 2021 release of the whole set: 21,841 synsets';
const LLAMA_2 = 'Llama 2 (and Mistral 7B) vocabulary';
const LLAMA_3 = 'Llama 3 vocabulary';
const GEMMA = 'Gemma 3 vocabulary, 262,144 after padding';
const NEMO = 'Mistral Nemo (Tekken) vocabulary';
const GPT_2 = 'GPT-2 vocabulary';

/** From few classes to many; a short and a large batch of each. */
export const WORKLOADS: readonly Workload[] = [
  { name: 'one yes or no', source: 'the smallest call there is', rows: 1, classes: 2 },
  { name: 'MNIST, batch', source: 'MNIST', rows: 128, classes: 10 },
  { name: 'MNIST, large batch', source: 'MNIST', rows: 4096, classes: 10 },
  { name: 'per pixel, 10 classes', source: '256 x 256 pixels', rows: 65536, classes: 10 },
  { name: 'per pixel, VOC crop', source: VOC, rows: 4096, classes: 21 },
  { name: 'per pixel, VOC', source: VOC, rows: 65536, classes: 21 },
  { name: 'CIFAR-100, batch', source: 'CIFAR-100', rows: 128, classes: 100 },
  { name: 'per pixel, 100 classes', source: '256 x 256 pixels', rows: 65536, classes: 100 },
  { name: 'ImageNet, batch', source: 'ILSVRC 2012', rows: 256, classes: 1000 },
  { name: 'ImageNet, large batch', source: 'ILSVRC 2012', rows: 32768, classes: 1000 },
  { name: 'ImageNet-21k, batch', source: IMAGENET_21K, rows: 64, classes: 21841 },
  { name: 'ImageNet-21k, large batch', source: IMAGENET_21K, rows: 4096, classes: 21841 },
  { name: 'Llama 2, 64 tokens', source: LLAMA_2, rows: 64, classes: 32000 },
  { name: 'Llama 2, 8,192 tokens', source: LLAMA_2, rows: 8192, classes: 32000 },
  { name: 'GPT-2, 32 tokens', source: GPT_2, rows: 32, classes: 50257 },
  { name: 'GPT-2, 4,096 tokens', source: GPT_2, rows: 4096, classes: 50257 },
  { name: 'Llama 3, 16 tokens', source: LLAMA_3, rows: 16, classes: 128256 },
  { name: 'Llama 3, 2,048 tokens', source: LLAMA_3, rows: 2048, classes: 128256 },
  { name: 'Mistral Nemo, 8 tokens', source: NEMO, rows: 8, classes: 131072 },
  { name: 'Mistral Nemo, 4,096 tokens', source: NEMO, rows: 4096, classes: 131072 },
  { name: 'Gemma 3, 8 tokens', source: GEMMA, rows: 8, classes: 262144 },
  { name: 'Gemma 3, 64 tokens', source: GEMMA, rows: 64, classes: 262144 },
];

/** What computes: a processor, a processor that stands in for a GPU, or a GPU. */
export type Machine = 'cpu' | 'software' | 'gpu';

interface Cap {
  rows: number;
  elements: number;
}

/** So that the whole run takes minutes where stock tfjs takes seconds for a call; `--shape` goes beyond. */
const CAPS: Record<Machine, Cap> = {
  cpu: { rows: 65536, elements: 2_200_000 },
  software: { rows: 4096, elements: 2_200_000 },
  gpu: { rows: Number.POSITIVE_INFINITY, elements: Number.POSITIVE_INFINITY },
};

/** One small, one middle, and the shapes that tell most of long rows. */
const QUICK: Record<Machine, readonly string[]> = {
  cpu: ['1x2', '128x10', '256x1000', '64x32000'],
  software: ['128x10', '256x1000', '64x32000'],
  gpu: ['1x2', '65536x10', '32768x1000', '8192x32000', '64x262144'],
};

export interface WorkloadChoice {
  machine: Machine;
  /** A few of the workloads. */
  quick: boolean;
  /** As `--shape` gives them, whatever the machine; empty for all that the machine should run. */
  shapes: readonly string[];
  /** The largest tensor that the device holds. */
  maxBytes: number;
}

/** The workloads of a run. Shapes that were asked for are taken as they are, those of the table only if the machine is up to them. */
export function chooseWorkloads({ machine, quick, shapes, maxBytes }: WorkloadChoice): Workload[] {
  if (shapes.length > 0) return shapes.map(workloadOfShape);
  const cap = CAPS[machine];
  return WORKLOADS.filter(
    (workload) =>
      workload.rows <= cap.rows &&
      workload.rows * workload.classes <= cap.elements &&
      workload.rows * workload.classes * 4 <= maxBytes &&
      (!quick || QUICK[machine].includes(`${workload.rows}x${workload.classes}`)),
  );
}

/** `rowsxclasses` or `rows,classes`. @throws {RangeError} for anything else. */
export function workloadOfShape(shape: string): Workload {
  const numbers = /^\s*\[?(\d+)\s*[x,]\s*(\d+)\]?\s*$/.exec(shape)?.slice(1).map(Number);
  if (!numbers || numbers.some((n) => n < 1)) {
    throw new RangeError(`--shape: expected rows x classes, such as 64x32000; got '${shape}'.`);
  }
  const [rows, classes] = numbers;
  const known = WORKLOADS.find((workload) => workload.rows === rows && workload.classes === classes);
  return known ?? { name: `${rows} x ${classes}`, source: 'asked for by --shape', rows, classes };
}
