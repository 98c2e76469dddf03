import { backend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { classesOf, type ObjectiveCase, rowsOf } from '../objective_case.ts';
import { Random } from '../random.ts';
import { permutation, problemOf } from './draw.ts';
import type { Property } from './property.ts';
import { judge, run, withLogits } from './truth.ts';

const isHalf = backend.precision === 'f16';

/** Two runs may each be off by the bound. */
const twice = (bound: (index: number) => number) => (index: number) => 2 * bound(index);

const shift: Property = {
  title: 'a shift of all logits of a row changes nothing',
  of: { targets: ['logits'], logits: ['grid'] },
  holds: async (draw) => {
    const problem = problemOf(draw);
    const random = new Random(draw.seed + 2);
    const most = isHalf ? 100 : 10_000;
    const shifted = (logits: Float32Array) => {
      const amounts = Array.from({ length: rowsOf(problem) }, () => random.integer(2 * most + 1) - most);
      return logits.map((x, i) => x + amounts[Math.floor(i / draw.classes)]);
    };
    const moved = withLogits(problem, {
      teacher: shifted(problem.teacher),
      student: shifted(problem.student),
    });
    await expectSame(problem, await run(moved), 'shifted');
  },
};

const permutationOfClasses: Property = {
  title: 'a permutation of the classes permutes the gradients and leaves the loss',
  of: {},
  holds: async (draw) => {
    const problem = problemOf(draw);
    const order = permutation(draw.classes, new Random(draw.seed + 2));
    const permuted = permute(problem, order);
    const { loss, dStudent, dTeacher } = await run(permuted);
    const back = inverse(order);
    await expectSame(
      problem,
      { loss, dStudent: columns(dStudent, back), dTeacher: columns(dTeacher, back) },
      'permuted',
    );
  },
};

const inverse = (order: number[]) => order.map((_, i) => order.indexOf(i));

/** Column i of the result is column order[i] of the values. */
function columns(values: Float32Array, order: number[]): Float32Array {
  const classes = order.length;
  return values.map((_, k) => values[k - (k % classes) + order[k % classes]]);
}

function permute(problem: ObjectiveCase, order: number[]): ObjectiveCase {
  const { labelIds, labelDistribution, options } = problem;
  const back = inverse(order);
  return {
    ...problem,
    teacher: columns(problem.teacher, order),
    student: columns(problem.student, order),
    labelIds: labelIds?.map((id) => back[id]) ?? null,
    labelDistribution: labelDistribution && columns(labelDistribution, order),
    options:
      options.ignoreIndex === undefined ? options : { ...options, ignoreIndex: back[options.ignoreIndex] },
  };
}

async function expectSame(
  problem: ObjectiveCase,
  other: { loss: Float32Array; dStudent: Float32Array; dTeacher: Float32Array },
  what: string,
): Promise<void> {
  const { bounds } = judge(problem);
  const { loss, dStudent, dTeacher } = await run(problem);
  expectClose(other.loss, loss, twice(bounds.loss), `${what} loss`);
  expectClose(other.dStudent, dStudent, twice(bounds.dStudent), `${what} dStudent`);
  if (!isHalf) expectClose(other.dTeacher, dTeacher, twice(bounds.dTeacher), `${what} dTeacher`);
}

const INTRUDERS = isHalf
  ? [-5, 0, 5]
  : [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 1e4, 0];

/**
 * Which rows the composition is handed depends on the others there, and TensorFlow rounds an element
 * otherwise in a vector than in what is left of one.
 */
const roundsByPlace = backend.flags?.TFJS_DISTILL_TENSORFLOW_FUSED_OP === true;

const independentRows: Property = {
  title: `whatever one row holds, the other rows stay the same${roundsByPlace ? '' : ' to the bit'}`,
  of: {},
  holds: async (draw) => {
    const problem = problemOf(draw);
    const random = new Random(draw.seed + 2);
    const row = random.integer(rowsOf(problem));
    const teacher = problem.teacher.slice();
    const student = problem.student.slice();
    const [from, to] = [row * draw.classes, (row + 1) * draw.classes];
    teacher.fill(draw.targets === 'logits' ? INTRUDERS[random.integer(INTRUDERS.length)] : 0.5, from, to);
    student.fill(INTRUDERS[random.integer(INTRUDERS.length)], from, to);
    const before = await run(problem);
    const after = await run(withLogits(problem, { teacher, student }));
    const { bounds } = judge(problem);
    for (const name of ['loss', 'dStudent', 'dTeacher'] as const) {
      const size = name === 'loss' ? 1 : draw.classes;
      const [now, then] = [after, before].map((result) =>
        result[name].filter((_, i) => Math.floor(i / size) !== row),
      );
      const bound = (i: number) => (roundsByPlace ? twice(bounds[name])(i < row * size ? i : i + size) : 0);
      expectClose(now, then, bound, `${name} beside row ${row}`);
    }
  },
};

const sumOfGradient: Property = {
  title: 'the gradient to the logits of a row sums to zero',
  of: {},
  holds: async (draw) => {
    const problem = problemOf(draw);
    const { bounds, dLoss } = judge(problem);
    const { dStudent, dTeacher } = await run(problem, dLoss);
    expectZeroSums(dStudent, bounds.dStudent, problem, 'dStudent');
    if (draw.targets === 'logits') expectZeroSums(dTeacher, bounds.dTeacher, problem, 'dTeacher');
  },
};

/** The rows that are finite: where a row is not, the reference is what it is held to. */
function expectZeroSums(
  gradient: Float32Array,
  bound: (index: number) => number,
  problem: ObjectiveCase,
  what: string,
): void {
  const classes = classesOf(problem);
  for (let n = 0; n < rowsOf(problem); n++) {
    const row = gradient.subarray(n * classes, (n + 1) * classes);
    if (!row.every(Number.isFinite)) continue;
    const sum = row.reduce((total, slope) => total + slope, 0);
    // The errors of a row share its sums, so that many classes are not off by more than a few.
    const most = 4 * row.reduce((largest, _, i) => Math.max(largest, bound(n * classes + i)), 0);
    expectClose([sum], [0], most, `sum of ${what} in row ${n}`);
  }
}

const batches: Property = {
  title: 'a batch of two batches gives the rows of each',
  of: { ignoreIndex: [false] },
  holds: async (draw) => {
    const parts = [problemOf(draw), problemOf({ ...draw, seed: draw.seed + 1 })];
    const whole = await run(stack(parts), dLossOf(parts));
    const rows = rowsOf(parts[0]);
    for (const [k, part] of parts.entries()) {
      const { bounds, dLoss } = judge(part);
      const { loss, dStudent, dTeacher } = await run(part, dLoss);
      const partOf = (values: Float32Array, size: number) =>
        values.subarray(k * rows * size, (k + 1) * rows * size);
      expectClose(partOf(whole.loss, 1), loss, twice(bounds.loss), `loss of batch ${k}`);
      const size = draw.classes;
      expectClose(partOf(whole.dStudent, size), dStudent, twice(bounds.dStudent), `dStudent of batch ${k}`);
      if (isHalf) continue;
      expectClose(partOf(whole.dTeacher, size), dTeacher, twice(bounds.dTeacher), `dTeacher of batch ${k}`);
    }
  },
};

const dLossOf = (parts: ObjectiveCase[]) => joined(parts.map((part) => judge(part).dLoss));

function joined<T extends Float32Array | Int32Array>(parts: T[]): T {
  const [first] = parts;
  const whole =
    first.constructor === Int32Array
      ? new Int32Array(first.length * parts.length)
      : new Float32Array(first.length * parts.length);
  parts.forEach((part, k) => {
    whole.set(part, k * first.length);
  });
  return whole as T;
}

/** One problem of all rows, of rank 2. */
function stack(parts: ObjectiveCase[]): ObjectiveCase {
  const [{ options }] = parts;
  const perRow = (name: 'temperature' | 'weights') =>
    Array.isArray(options[name]) ? { [name]: parts.flatMap((part) => part.options[name] ?? []) } : {};
  const shape = [rowsOf(parts[0]) * parts.length, classesOf(parts[0])];
  const labels = <T extends Float32Array | Int32Array>(of: (part: ObjectiveCase) => T | null): T | null => {
    const given = parts.map(of);
    return given.every((part) => part !== null) ? joined(given as T[]) : null;
  };
  return {
    name: '',
    shape,
    teacher: joined(parts.map(({ teacher }) => teacher)),
    student: joined(parts.map(({ student }) => student)),
    labelIds: labels(({ labelIds }) => labelIds),
    labelDistribution: labels(({ labelDistribution }) => labelDistribution),
    options: { ...options, ...perRow('temperature'), ...perRow('weights') },
  };
}

const EXCHANGED = { kl: 'reverseKl', reverseKl: 'kl', jsd: 'jsd', crossEntropy: 'crossEntropy' } as const;

const exchange: Property = {
  title:
    'KL(p||q) is the reverse KL of the exchanged models, and likewise for the mixture: value and both gradients',
  of: {
    divergence: ['kl', 'reverseKl', 'jsd'],
    targets: ['logits'],
    teacherTemperature: ['same'],
    labels: ['none'],
  },
  holds: async (draw) => {
    const problem = problemOf(draw);
    const { options, teacher, student } = problem;
    const exchanged: ObjectiveCase = {
      ...withLogits(problem, { teacher: student, student: teacher }),
      options: {
        ...options,
        divergence: EXCHANGED[draw.divergence],
        ...(draw.divergence === 'jsd' ? { beta: 1 - draw.beta } : {}),
      },
    };
    const { loss, dStudent, dTeacher } = await run(exchanged);
    const finite = judge(problem);
    // which gradient exists beside an infinity is not symmetric
    if (!finite.truth.loss.every(Number.isFinite)) return;
    await expectSame(problem, { loss, dStudent: dTeacher, dTeacher: dStudent }, 'exchanged');
  },
};

const mixOfTerms: Property = {
  title: 'alpha mixes the soft term and the hard term',
  of: { labels: ['classIds', 'distribution'], logits: isHalf ? ['independent'] : ['independent', 'near'] },
  holds: async (draw) => {
    const alpha = draw.alpha;
    const [mixed, soft, hard] = [alpha, 0, 1].map((alpha) => problemOf({ ...draw, alpha }));
    const [whole, softPart, hardPart] = [await run(mixed), await run(soft), await run(hard)];
    const [s, h] = [judge(soft).bounds, judge(hard).bounds];
    const mix = (a: Float32Array, b: Float32Array) => a.map((x, i) => (1 - alpha) * x + alpha * b[i]);
    expectClose(
      whole.loss,
      mix(softPart.loss, hardPart.loss),
      (n) => 2 * (s.loss(n) + h.loss(n)),
      'mixed loss',
    );
    expectClose(
      whole.dStudent,
      mix(softPart.dStudent, hardPart.dStudent),
      (i) => 2 * (s.dStudent(i) + h.dStudent(i)),
      'mixed dStudent',
    );
  },
};

export const invariances: Property[] = [
  shift,
  permutationOfClasses,
  independentRows,
  sumOfGradient,
  batches,
  ...(isHalf ? [] : [exchange]),
  mixOfTerms,
];
