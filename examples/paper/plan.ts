import { DIGITS, IMAGE_SIZE } from '../mnist.ts';
import type { TemperaturePoint } from './figures.ts';

/** One network to be trained. */
export interface Job {
  name: string;
  title: string;
  role: Role;
  /** Of each of the two hidden layers. */
  units: number;
  epochs: number;
  seed: number;
  optimizer: 'momentum' | 'adam';
  /** Of the first epoch; from there it falls in a straight line to 0. */
  learningRate: number;
  targets: Targets;
  /** The digits in the training set. Default all. */
  digits?: readonly number[];
  /** Leaves the held-out images out of the training set, since something is chosen on them afterwards. */
  holdsOut?: boolean;
}

/** What the network is in the paper. */
export type Role =
  | 'teacher'
  | 'hardStudent'
  | 'softStudent'
  | 'without3'
  | 'only7And8'
  /** One of many, by units and temperature. */
  | 'byTemperature';

export type Targets =
  /** Labels; dropout of this share of units, weight constraint, and jitter of the input. */
  | { kind: 'labelsRegularised'; dropout: { inputs: number; hidden: number } }
  /** Labels alone. */
  | { kind: 'labels' }
  /** The teacher's softened outputs alone. */
  | { kind: 'teacher'; temperature: number };

/** So many training images, the last ones, serve to choose what is not settled beforehand: the shifts of biases, and with `--tune` everything else. */
export const HELD_OUT = 5000;

/** The paper tells of ranges; these temperatures cover them and what lies on both sides. */
const TEMPERATURES: Record<TemperaturePoint['units'], readonly number[]> = {
  30: [1, 2.5, 4, 8, 20],
  300: [1, 4, 8, 20],
};

/** Students differ from seed to seed; the means over seeds less. */
const SEEDS: Record<'student' | TemperaturePoint['units'], readonly number[]> = {
  student: [1],
  30: [1, 2],
  300: [1],
};

/** Indifferent to the scale of the loss, so that one learning rate serves labels and every temperature. */
const ADAM = { optimizer: 'adam', learningRate: 1e-3 } as const;

export const BATCH_SIZE = 256;

const ALL = Array.from({ length: DIGITS }, (_, digit) => digit);

/** Everything that is trained: first each network once, then those of further seeds. `scale` multiplies the epochs. */
export function planJobs(scale: number): Job[] {
  const epochs = (count: number) => Math.max(1, Math.round(count * scale));
  const student = { units: 800, epochs: epochs(60), ...ADAM };
  const soft = { kind: 'teacher', temperature: 20 } as const;
  const hardAndSoft = (seed: number): Job[] => [
    {
      name: `softStudent-seed${seed}`,
      title: 'student, 2 x 800, teacher at T = 20',
      role: 'softStudent',
      ...student,
      seed,
      targets: soft,
    },
    {
      name: `hardStudent-seed${seed}`,
      title: 'student, 2 x 800, labels',
      role: 'hardStudent',
      ...student,
      seed,
      targets: { kind: 'labels' },
    },
  ];
  const byTemperature = (units: TemperaturePoint['units'], seed: number) =>
    TEMPERATURES[units].map((temperature) =>
      temperatureJob(units, temperature, seed, epochs(units === 30 ? 30 : 20)),
    );
  const teacher: Job = {
    name: 'teacher',
    title: 'teacher, 2 x 1200',
    role: 'teacher',
    units: 1200,
    epochs: epochs(50),
    seed: 1,
    ...ADAM,
    targets: { kind: 'labelsRegularised', dropout: { inputs: 0.2, hidden: 0.5 } },
  };
  const partial = { ...student, epochs: epochs(30), seed: 1, targets: soft, holdsOut: true } as const;
  return [
    teacher,
    ...hardAndSoft(SEEDS.student[0]),
    {
      name: 'without3',
      title: 'student, no 3s',
      role: 'without3',
      ...partial,
      digits: ALL.filter((digit) => digit !== 3),
    },
    { name: 'only7And8', title: 'student, only 7s and 8s', role: 'only7And8', ...partial, digits: [7, 8] },
    ...byTemperature(30, SEEDS[30][0]),
    ...byTemperature(300, SEEDS[300][0]),
    ...SEEDS.student.slice(1).flatMap(hardAndSoft),
    ...SEEDS[30].slice(1).flatMap((seed) => byTemperature(30, seed)),
    ...SEEDS[300].slice(1).flatMap((seed) => byTemperature(300, seed)),
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
    role: 'byTemperature',
    units,
    epochs,
    seed,
    ...ADAM,
    learningRate: units === 30 ? 5e-3 : 2e-3, // small networks take larger steps
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
