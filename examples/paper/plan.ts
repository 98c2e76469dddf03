import { DIGITS, IMAGE_SIZE } from '../mnist.ts';
import type { TemperaturePoint } from './figures.ts';

/** One network to be trained. */
export interface Job {
  name: string;
  title: string;
  /** Of each of the two hidden layers. */
  units: number;
  epochs: number;
  seed: number;
  optimizer: 'momentum' | 'adam';
  /** Of the first epoch; from there it falls in a straight line to 0. */
  learningRate: number;
  targets: Targets;
  /** The job whose weights it begins with. Default random ones. */
  startsFrom?: string;
  /** The digits in the training set. Default all. */
  digits?: readonly number[];
}

export type Targets =
  /** Labels; dropout of this share of units, weight constraint, and jitter of the input. */
  | { kind: 'labelsRegularised'; dropout: { inputs: number; hidden: number } }
  /** Labels alone. */
  | { kind: 'labels' }
  /** The teacher's softened outputs alone. */
  | { kind: 'teacher'; temperature: number };

/** The paper tells of ranges; these temperatures cover them and what lies on both sides. */
const TEMPERATURES: Record<TemperaturePoint['units'], readonly number[]> = {
  30: [1, 2.5, 4, 8, 20],
  300: [1, 4, 8, 20],
};
/** Small networks differ much from seed to seed; the means over seeds less. */
const SEEDS_OF_30 = [1, 2];

/** Indifferent to the scale of the loss, so that one learning rate serves every temperature. */
const ADAM = { optimizer: 'adam', learningRate: 1e-3 } as const;

export const BATCH_SIZE = 256;

const ALL = Array.from({ length: DIGITS }, (_, digit) => digit);

/**
 * Everything that is trained, the most telling first. Dropout makes learning slow, and the paper's teacher learned far longer; so that ours gets near to it, most
 * of the dropout is left out in its last epochs. `scale` multiplies the epochs.
 */
export function planJobs(scale: number): Job[] {
  const epochs = (count: number) => Math.max(1, Math.round(count * scale));
  const soft = { kind: 'teacher', temperature: 20 } as const;
  const student = { units: 800, epochs: epochs(10), seed: 2, ...ADAM };
  const temperatures30 = (seed: number) =>
    TEMPERATURES[30].map((temperature) => temperatureJob(30, temperature, seed, epochs(8)));
  const [firstSeed, ...otherSeeds] = SEEDS_OF_30;
  return [
    {
      name: 'teacherBegun',
      title: 'teacher, 2 x 1200, full dropout',
      units: 1200,
      epochs: epochs(28),
      seed: 1,
      optimizer: 'momentum',
      learningRate: 0.15,
      targets: { kind: 'labelsRegularised', dropout: { inputs: 0.2, hidden: 0.5 } },
    },
    {
      name: 'teacher',
      title: 'teacher, 2 x 1200, less dropout',
      startsFrom: 'teacherBegun',
      units: 1200,
      epochs: epochs(8),
      seed: 3,
      optimizer: 'momentum',
      learningRate: 0.05,
      targets: { kind: 'labelsRegularised', dropout: { inputs: 0, hidden: 0.25 } },
    },
    {
      name: 'softStudent',
      title: 'student, 2 x 800, teacher at T = 20',
      ...student,
      epochs: epochs(16),
      targets: soft,
    },
    { name: 'hardStudent', title: 'student, 2 x 800, labels', ...student, targets: { kind: 'labels' } },
    { name: 'only7And8', title: 'student, only 7s and 8s', ...student, targets: soft, digits: [7, 8] },
    {
      name: 'without3',
      title: 'student, no 3s',
      ...student,
      targets: soft,
      digits: ALL.filter((digit) => digit !== 3),
    },
    ...temperatures30(firstSeed),
    ...TEMPERATURES[300].map((temperature) => temperatureJob(300, temperature, 1, epochs(5))),
    ...otherSeeds.flatMap(temperatures30),
  ];
}

function temperatureJob(
  units: TemperaturePoint['units'],
  temperature: number,
  seed: number,
  epochs: number,
): Job {
  return {
    name: `units${units}-T${temperature}-seed${seed}`,
    title: `student, 2 x ${units}, teacher at T = ${temperature}`,
    units,
    epochs,
    seed,
    ...ADAM,
    learningRate: units === 30 ? 5e-3 : 2e-3, // small networks take larger steps, and have few epochs
    targets: { kind: 'teacher', temperature },
  };
}

/** What a batch costs beside its multiplications, in multiplications: measured with TensorFlow on one core. */
const BATCH_OVERHEAD = 1e8;

/** What a batch costs to train on, in multiplications of a forward pass; the measure of progress. */
export function costOfBatch({ units }: Job, examples: number): number {
  return examples * (IMAGE_SIZE * units + units * units + units * DIGITS) + BATCH_OVERHEAD;
}

/** Of some epochs of a job on this many examples. */
export function costOfEpochs(job: Job, epochs: number, examples: number): number {
  return epochs * Math.ceil(examples / BATCH_SIZE) * costOfBatch(job, Math.min(BATCH_SIZE, examples));
}
