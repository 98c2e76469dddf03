import {
  CROSS_ENTROPY,
  type Divergence,
  type LabelKind,
  type Objective,
  type RowPassOutputs,
} from '../../kernels/objective.ts';
import { type Kernel, kernelOn, PADS_BYTES, rowPassAt } from '../../src/backends/simd/kernel.ts';
import { isCarried, readsLabels, setObjective } from '../../src/backends/simd/objective.ts';
import { Random } from '../random.ts';

/**
 * The SIMD kernel works on short rows four at a time. Here every row is also computed by itself, by another
 * way through the kernel.
 */

const PROBLEMS = 1500;
const [PADS, R, PER_ROW, LABELS, TEACHER, STUDENT, GRADIENT, W] = [0, 1, 2, 3, 4, 5, 6, 7].map(
  (k) => k << 16,
);
const [TEMPERATURES, WEIGHTS, LOSS] = [0, 1, 2].map((k) => PER_ROW + 2048 * k);
/** What lies behind the rows, to see whether it is written to. */
const GUARD = 4321;

const memory = new WebAssembly.Memory({ initial: 8 });
const kernel = kernelOn(memory) as Kernel;
const floats = (at: number, count: number) => new Float32Array(memory.buffer, at, count);
const random = new Random(2026);
const oneOf = <Value>(values: readonly Value[]): Value => values[random.integer(values.length)];

interface Problem {
  rows: number;
  classes: number;
  objective: Objective;
  outputs: RowPassOutputs;
  temperature: number;
  teacher: Float32Array;
  student: Float32Array;
  labels: Int32Array | Float32Array | null;
  temperatures: Float32Array | null;
  weights: Float32Array | null;
  isInPlace: boolean;
}

function draw(): Problem {
  const classes = oneOf([
    1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 15, 16, 17, 21, 35, 64, 96, 100, 127, 129, 200, 255,
  ]);
  // Sometimes more than are told apart at once.
  const rows = classes <= 21 && random.uniform() < 0.1 ? 250 + random.integer(100) : 1 + random.integer(9);
  const divergence = oneOf<Divergence>(['crossEntropy', 'kl', 'reverseKl', 'jsd']);
  const labels = oneOf<LabelKind>(['none', 'none', 'classIds', 'distribution']);
  const targets = random.uniform() < 0.25 ? 'probabilities' : 'logits';
  const objective: Objective = {
    ...CROSS_ENTROPY,
    divergence,
    beta: oneOf([0.1, 0.5, 0.9]),
    labels,
    targets,
    // Of probabilities 1 takes them as they are, 0 softens them.
    teacherTemperature: oneOf(targets === 'logits' ? [0, 0, 3] : [1, 1, 0, 3]),
    scaleByTemperatureSquared: random.uniform() < 0.5,
    softWeight: labels === 'none' ? 1 : oneOf([0, 0.7]),
    hardWeight: labels === 'none' ? 0 : oneOf([0, 0.3]),
    labelSmoothing: oneOf([0, 0.1]),
  };
  const outputs = oneOf<RowPassOutputs>(['loss', 'lossAndStudentGradient', 'teacherGradient']);
  const isOdd = random.uniform() < 0.4;
  const nearness = oneOf([0, 0.5, 1]);
  const teacher =
    targets === 'logits' ? random.normals(rows * classes, 3) : random.distributions(rows, classes);
  const student = random.normals(rows * classes, 3);
  for (let n = 0; n < rows; n++) {
    const [v, z] = [teacher, student].map((values) => values.subarray(n * classes, (n + 1) * classes));
    if (targets === 'logits' && random.uniform() < nearness) {
      const shift = oneOf([0, 1000]);
      for (let i = 0; i < classes; i++) z[i] = v[i] + shift + 0.03 * z[i];
    }
    if (!isOdd || random.uniform() < 0.5) continue;
    const odd = oneOf([Number.NaN, Infinity, -Infinity]);
    if (random.uniform() < 0.1) z.fill(odd);
    else if (targets === 'logits' && random.uniform() < 0.5) v[random.integer(classes)] = odd;
    else z[random.integer(classes)] = odd;
  }
  const perRow = (values: readonly number[]) => Float32Array.from({ length: rows }, () => oneOf(values));
  return {
    rows,
    classes,
    objective,
    outputs,
    temperature: oneOf([0.5, 2, 20]),
    teacher,
    student,
    labels:
      labels === 'classIds'
        ? Int32Array.from({ length: rows }, () =>
            isOdd ? oneOf([0, classes - 1, classes, -1]) : random.integer(classes),
          )
        : labels === 'distribution'
          ? random.distributions(rows, classes)
          : null,
    temperatures: random.uniform() < 0.3 ? perRow(isOdd ? [1, 3, 0, Number.NaN] : [1, 3]) : null,
    weights: random.uniform() < 0.3 ? perRow([0, 1, 0.5]) : null,
    isInPlace: random.uniform() < 0.5,
  };
}

/** Loss and gradient of all rows, `together` in one call or in a call for each. */
function compute(problem: Problem, together: boolean): { loss: Float32Array; gradient: Float32Array } {
  const { rows, classes, objective, outputs, temperature, temperatures, weights, labels, isInPlace } =
    problem;
  const size = rows * classes;
  const gradientAt = isInPlace ? STUDENT : GRADIENT;
  floats(STUDENT, size + 16).fill(GUARD);
  floats(GRADIENT, size + 16).fill(GUARD);
  floats(LOSS, rows + 1).fill(GUARD);
  floats(PADS, PADS_BYTES / 4).fill(Number.NaN); // whatever was there
  floats(PADS + PADS_BYTES, 16).fill(GUARD);
  floats(TEACHER, size).set(problem.teacher);
  floats(STUDENT, size).set(problem.student);
  if (temperatures) floats(TEMPERATURES, rows).set(temperatures);
  if (weights) floats(WEIGHTS, rows).set(weights);
  if (labels instanceof Int32Array) new Int32Array(memory.buffer, LABELS, rows).set(labels);
  else if (labels) floats(LABELS, size).set(labels);
  const rowBytes = 4 * classes;
  const labelBytes = objective.labels === 'distribution' ? rowBytes : 4;
  const writesGradient = outputs !== 'loss';
  setObjective(kernel, objective, outputs, { temperature });
  for (let n = 0; n < rows; n += together ? rows : 1) {
    if (isInPlace)
      kernel.setRoom(STUDENT + n * rowBytes, rowBytes, TEACHER + n * rowBytes, rowBytes, R, PADS);
    else kernel.setRoom(GRADIENT + n * rowBytes, rowBytes, W, 0, R, PADS);
    const total = rowPassAt(
      kernel,
      {
        rows: together ? rows : 1,
        classes,
        teacher: TEACHER + n * rowBytes,
        student: STUDENT + n * rowBytes,
        labels: readsLabels(objective, outputs) ? LABELS + n * labelBytes : 0,
        temperatures: temperatures ? TEMPERATURES + 4 * n : 0,
        weights: weights ? WEIGHTS + 4 * n : 0,
      },
      { loss: LOSS + 4 * n, gradient: writesGradient ? gradientAt + n * rowBytes : 0 },
    );
    if (together)
      expectClose(
        total,
        floats(LOSS, rows).reduce((sum, value) => sum + value, 0),
        1e-5,
      );
  }
  for (const behind of [gradientAt + 4 * size, PADS + PADS_BYTES])
    expect(floats(behind, 16).every((value) => value === GUARD)).toBe(true);
  expect(floats(LOSS, rows + 1)[rows]).toBe(GUARD);
  return {
    loss: floats(LOSS, rows).slice(),
    gradient: writesGradient ? floats(gradientAt, size).slice() : new Float32Array(0),
  };
}

function expectClose(value: number, truth: number, tolerance: number): void {
  const isClose =
    Object.is(value, truth) || Math.abs(value - truth) <= tolerance * Math.max(1, Math.abs(truth));
  if (!isClose) throw new Error(`${value} instead of ${truth}`);
}

it(`rows of a group get what each gets by itself, ${PROBLEMS} random problems: options, odd rows, nearly equal rows among others, any number of rows`, () => {
  for (let k = 0; k < PROBLEMS; ) {
    const problem = draw();
    if (!isCarried(problem.objective, problem.outputs)) continue;
    k += 1;
    const together = compute(problem, true);
    const alone = compute(problem, false);
    const temperatures = (problem.temperatures ?? [problem.temperature]).filter((value) => value > 0);
    const size = problem.objective.scaleByTemperatureSquared ? Math.max(1, ...temperatures) ** 2 : 1;
    const steepness = 1 / Math.min(1, ...temperatures);
    try {
      for (const [n, value] of together.loss.entries()) {
        expectClose(value / size, alone.loss[n] / size, 2e-6);
      }
      for (const [i, value] of together.gradient.entries()) {
        expectClose(value / size, alone.gradient[i] / size, 1e-5 * steepness);
      }
    } catch (error) {
      const { teacher: _, student: __, ...rest } = problem;
      throw new Error(`problem ${k}, ${JSON.stringify(rest)}: ${(error as Error).message}`);
    }
  }
});

it('digits of a nearly equal row do not depend on its neighbours: gradient and KL to 1e-4 of themselves at T = 1000', () => {
  const classes = 21;
  const teacher = random.normals(6 * classes, 3);
  const student = teacher.map((value, i) => {
    const n = Math.floor(i / classes);
    return n % 3 === 2 ? -3e3 * value : value + 1e-3 * random.normal() + 50 * n;
  });
  const problem: Problem = {
    rows: 6,
    classes,
    objective: { ...CROSS_ENTROPY, divergence: 'kl', scaleByTemperatureSquared: true },
    outputs: 'lossAndStudentGradient',
    temperature: 1000,
    teacher,
    student,
    labels: null,
    temperatures: null,
    weights: null,
    isInPlace: false,
  };
  const [together, alone] = [compute(problem, true), compute(problem, false)];
  for (let n = 0; n < 6; n++) {
    const row = (gradient: Float32Array) => gradient.subarray(n * classes, (n + 1) * classes);
    const largest = Math.max(...row(alone.gradient).map(Math.abs));
    row(together.gradient).forEach((value, i) => {
      expect(Math.abs(value - row(alone.gradient)[i]) / largest).toBeLessThanOrEqual(1e-4);
    });
    expect(Math.abs(together.loss[n] / alone.loss[n] - 1)).toBeLessThanOrEqual(1e-4);
  }
});

// With a last group that is not full, with a tail of rows by themselves, and with more rows than are told
// apart at once.
it.each<[number, number]>([
  [4, 9],
  [90, 9],
  [6, 40],
  [7, 2],
  [270, 3],
])('whatever the other rows hold, a row has the same bits, [%d, %d]', (rows, classes) => {
  const common: Omit<Problem, 'teacher' | 'student'> = {
    rows,
    classes,
    objective: { ...CROSS_ENTROPY, divergence: 'kl' },
    outputs: 'lossAndStudentGradient',
    temperature: 20,
    labels: null,
    // at T = 1 no row is near
    temperatures: Float32Array.from({ length: rows }, (_, n) => (n % 3 === 1 ? 1 : 20)),
    weights: null,
    isInPlace: false,
  };
  const teacher = random.normals(rows * classes, 0.1);
  const near = teacher.map((value) => value + 0.5 * random.normal()); // so that z - v is rounded
  const apart = random.normals(rows * classes, 9);
  const own = [near, apart, near.map((value) => value + 1000), near.map(() => Number.NaN)];
  const others = [...own, near.map((value, i) => (Math.floor(i / classes) % 3 === 0 ? value : apart[i]))];
  for (let n = 0; n < rows; n += Math.ceil(rows / 8)) {
    const [start, end] = [n * classes, (n + 1) * classes];
    for (const row of own) {
      const [first, ...rest] = others.map((values) => {
        const student = values.slice();
        student.set(row.subarray(start, end), start);
        const { loss, gradient } = compute({ ...common, teacher, student }, true);
        return [loss[n], ...gradient.subarray(start, end)];
      });
      for (const bits of rest) expect(bits).toEqual(first);
    }
  }
});
