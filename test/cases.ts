import { type CaseOptions, makeCase, type ObjectiveCase } from './objective_case.ts';

const PLAIN: CaseOptions = { temperature: 2 };

/** Shapes that catch tails, single lanes, whole workgroups and more rows than a dispatch dimension holds. */
export const SHAPES: readonly number[][] = [
  [1, 1],
  [7, 1],
  [1, 2],
  [300, 2],
  [7, 3],
  [300, 10],
  [1, 63],
  [7, 64],
  [7, 65],
  [300, 65],
  [7, 1000],
  [300, 1001],
  [1, 50257],
  [7, 50257],
  [10],
  [3, 5, 7],
  [2, 3, 4, 65],
  [2, 20, 2049],
];

/** One case for each shape; 70,000 rows are held apart because a single run of them is enough. */
export function shapeCases(): ObjectiveCase[] {
  return SHAPES.map((shape, k) => makeCase(`shape [${shape}]`, shape, PLAIN, { seed: 100 + k }));
}

export function manyRowsCase(): ObjectiveCase {
  return makeCase('70,000 rows of 4 classes', [70_000, 4], PLAIN, { seed: 99 });
}

/** What is given for each row, over more rows than cross to the SIMD kernel at once. */
export function blockCases(): ObjectiveCase[] {
  const perRow = (from: number[]) => Array.from({ length: 300 }, (_, n) => from[n % from.length]);
  const base: CaseOptions = {
    divergence: 'kl',
    alpha: 0.4,
    temperature: perRow([2, 3, 1.5, 4, 5, 0.7, 1]),
    weights: perRow([1, 0, 2, 0.5, 3]),
  };
  return (['classIds', 'distribution'] as const).map((labels, k) =>
    makeCase(
      `300 rows, ${labels === 'classIds' ? 'class ids' : 'a label distribution'}, a temperature and a weight for each`,
      [300, 333],
      { ...base, labels },
      { seed: 180 + k },
    ),
  );
}

export const DIVERGENCES = ['crossEntropy', 'kl', 'reverseKl', 'jsd'] as const;

/** Every divergence with both kinds of targets, each kind of label, T per row, weights, smoothing. */
export function optionCases(): ObjectiveCase[] {
  const cases: ObjectiveCase[] = [];
  let seed = 200;
  for (const divergence of DIVERGENCES) {
    for (const targets of ['logits', 'probabilities'] as const) {
      const base: CaseOptions = { divergence, targets, temperature: 3 };
      if (divergence === 'jsd') base.beta = 0.3;
      if (targets === 'probabilities') base.teacherTemperature = 1;
      const add = (name: string, options: Partial<CaseOptions>, shape = [9, 33]) =>
        cases.push(
          makeCase(`${divergence} of ${targets}, ${name}`, shape, { ...base, ...options }, { seed: seed++ }),
        );
      add('alone', {});
      add('without the factor T^2', { scaleByTemperatureSquared: false });
      add('with class ids', { labels: 'classIds', alpha: 0.3 });
      add('with a label distribution', { labels: 'distribution', alpha: 0.7 });
      add('with smoothed labels', { labels: 'classIds', alpha: 0.4, labelSmoothing: 0.1 });
      add(
        'with a label distribution over an even number of classes',
        { labels: 'distribution', alpha: 0.7, labelSmoothing: 0.1 },
        [9, 34],
      );
      add('hard term only', { labels: 'classIds', alpha: 1 });
      add('a temperature per row', { temperature: [0.5, 1, 2, 3, 4, 8, 20, 1.5, 0.7] });
      add('a weight per row', { weights: [1, 0, 2, 0.5, 0, 1, 3, 0.25, 1] });
      add('ignored rows', { labels: 'classIds', ignoreIndex: 1 }, [40, 3]);
    }
  }
  return cases;
}

const PER_ROW = [0.5, 1, 2, 3, 1.5, 8, 20, 1.5, 0.7];

/** What makes a teacher that is softened at its own temperature, or whose probabilities are softened. */
const TEACHERS: Record<string, Partial<CaseOptions>> = {
  'logits at a temperature of their own': { targets: 'logits', teacherTemperature: 1.5 },
  'logits below T = 1': { targets: 'logits', temperature: 0.6, teacherTemperature: 0.9 },
  'logits at T = 1': { targets: 'logits', teacherTemperature: 1 },
  'probabilities softened at T': { targets: 'probabilities' },
  'probabilities softened at a temperature of their own': {
    targets: 'probabilities',
    teacherTemperature: 1.5,
  },
  'probabilities sharpened': { targets: 'probabilities', teacherTemperature: 0.6 },
  'probabilities softened though T = 1': { targets: 'probabilities', temperature: 1, teacherTemperature: 2 },
};

/** Every divergence of every such teacher, with labels, T per row, weights, and sums other than one. */
export function teacherTemperatureCases(): ObjectiveCase[] {
  const cases: ObjectiveCase[] = [];
  let seed = 400;
  for (const divergence of DIVERGENCES) {
    for (const [name, teacher] of Object.entries(TEACHERS)) {
      const base: CaseOptions = { divergence, temperature: 3, ...teacher };
      if (divergence === 'jsd') base.beta = 0.3;
      const add = (
        what: string,
        options: Partial<CaseOptions>,
        make: { shape?: number[]; mass?: number; edit?: (problem: ObjectiveCase) => void } = {},
      ) => {
        const { shape = [9, 33], ...others } = make;
        cases.push(
          makeCase(
            `${divergence} of ${name}, ${what}`,
            shape,
            { ...base, ...options },
            { seed: seed++, ...others },
          ),
        );
      };
      add('alone', {});
      add(
        'with class ids, weights and without T^2',
        {
          labels: 'classIds',
          alpha: 0.3,
          weights: [1, 0, 2, 0.5, 0, 1, 3, 0.25, 1],
          scaleByTemperatureSquared: false,
        },
        { shape: [9, 34] },
      );
      add('a temperature per row', { temperature: PER_ROW });
      add('long rows', {}, { shape: [3, 1337] });
      if (base.targets !== 'probabilities') continue;
      add('of another sum', {}, { mass: 1.75 });
      add('with zeros', {}, { edit: ({ teacher }) => teacher.fill(0, 33 + 5, 33 + 21), mass: 0.5 });
    }
  }
  return cases;
}
