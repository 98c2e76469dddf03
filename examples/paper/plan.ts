import { DIGITS, IMAGE_SIZE } from '../mnist.ts';

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
  /**
   * Labels; dropout of this share of units, weight constraint, and images moved by up to `jitter` pixels both
   * ways.
   */
  | { kind: 'labelsRegularised'; dropout: { inputs: number; hidden: number }; jitter: number }
  /** Labels alone. */
  | { kind: 'labels' }
  /** The teacher's softened outputs alone. */
  | { kind: 'teacher'; temperature: number };

/** Units per hidden layer of the students that are trained at many temperatures. */
export type UnitsByTemperature = 30 | 300;

/**
 * So many training images, the last ones, serve to choose what is not settled beforehand: the shifts of
 * biases, and with `--tune` everything else.
 */
export const HELD_OUT = 5000;

/** The paper tells of ranges; these temperatures cover them and what lies on both sides. */
const TEMPERATURES: Record<UnitsByTemperature, readonly number[]> = {
  30: [1, 2.5, 4, 8, 20],
  300: [1, 4, 8, 20],
};

/** Students differ from seed to seed; the means over seeds less. */
const SEEDS = { student: [1, 2, 3, 4, 5], lacking: [1, 2, 3], 30: [1, 2], 300: [1] } as const;

/** Indifferent to the scale of the loss, so that one learning rate serves labels and every temperature. */
const ADAM = { optimizer: 'adam', learningRate: 1e-3 } as const;

export const BATCH_SIZE = 256;

const ALL = Array.from({ length: DIGITS }, (_, digit) => digit);

/**
 * Everything that is trained: first each network once, then those of further seeds. `scale` multiplies the
 * epochs.
 */
export function planJobs(scale: number): Job[] {
  const epochs = (count: number) => scaledEpochs(count, scale);
  const seeds = [...new Set(Object.values(SEEDS).flat())].sort((a, b) => a - b);
  return [teacherJob(scale), ...seeds.flatMap((seed) => jobsOfSeed(seed, epochs))];
}

/** What the teacher is trained with was chosen among candidates.ts. */
export function teacherJob(scale: number): Job {
  return {
    name: 'teacher',
    title: 'teacher, 2 x 1200',
    role: 'teacher',
    units: 1200,
    epochs: scaledEpochs(200, scale),
    seed: 1,
    ...ADAM,
    targets: { kind: 'labelsRegularised', dropout: { inputs: 0.2, hidden: 0.5 }, jitter: 2 },
  };
}

export function scaledEpochs(epochs: number, scale: number): number {
  return Math.max(1, Math.round(epochs * scale));
}

function jobsOfSeed(seed: number, epochs: (count: number) => number): Job[] {
  const student = { units: 800, epochs: epochs(60), seed, ...ADAM };
  const soft = { kind: 'teacher', temperature: 20 } as const;
  const lacking = { ...student, epochs: epochs(30), targets: soft, holdsOut: true };
  const has = (seeds: readonly number[]) => seeds.includes(seed);
  const students: Job[] = [
    {
      ...student,
      name: 'softStudent',
      title: 'student, 2 x 800, teacher at T = 20',
      role: 'softStudent',
      targets: soft,
    },
    {
      ...student,
      name: 'hardStudent',
      title: 'student, 2 x 800, labels',
      role: 'hardStudent',
      targets: { kind: 'labels' },
    },
  ];
  const studentsLackingDigits: Job[] = [
    {
      ...lacking,
      name: 'without3',
      title: 'student, no 3s',
      role: 'without3',
      digits: ALL.filter((digit) => digit !== 3),
    },
    { ...lacking, name: 'only7And8', title: 'student, only 7s and 8s', role: 'only7And8', digits: [7, 8] },
  ];
  const byTemperature = (units: UnitsByTemperature) =>
    has(SEEDS[units])
      ? TEMPERATURES[units].map((temperature) =>
          temperatureJob(units, temperature, seed, epochs(units === 30 ? 30 : 20)),
        )
      : [];
  return [
    ...(has(SEEDS.student) ? students : []),
    ...(has(SEEDS.lacking) ? studentsLackingDigits : []),
    ...byTemperature(30),
    ...byTemperature(300),
  ].map((job) => ({ ...job, name: `${job.name}-seed${seed}` }));
}

function temperatureJob(units: UnitsByTemperature, temperature: number, seed: number, epochs: number): Job {
  return {
    name: `units${units}-T${temperature}`,
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

/**
 * What a batch costs beside its multiplications, in multiplications: measured with TensorFlow on one core.
 */
const BATCH_OVERHEAD = 1e8;

/** What a batch costs to train on, in multiplications of a forward pass; the measure of progress. */
export function costOfBatch({ units }: Job, examples: number): number {
  return examples * (IMAGE_SIZE * units + units * units + units * DIGITS) + BATCH_OVERHEAD;
}

/** Of some epochs of a job on this many examples. */
export function costOfEpochs(job: Job, epochs: number, examples: number): number {
  return epochs * Math.ceil(examples / BATCH_SIZE) * costOfBatch(job, Math.min(BATCH_SIZE, examples));
}
