import { type ObjectiveCase, referenceRowOf, rowsOf } from './objective_case.ts';
import { type ReferenceRow, referenceRow, teacherShares } from './reference.ts';

export interface ReferenceMetrics {
  crossEntropy: number;
  kl: number;
  teacherEntropy: number;
  studentEntropy: number;
  agreement: number;
  hardLoss: number;
  accuracy: number;
}

/**
 * The truth of distillationMetrics: weighted means over rows, in float64. Entropies are cross entropies of a
 * distribution with itself.
 */
export function referenceMetrics(problem: ObjectiveCase): ReferenceMetrics {
  const totals: ReferenceMetrics = {
    crossEntropy: 0,
    kl: 0,
    teacherEntropy: 0,
    studentEntropy: 0,
    agreement: 0,
    hardLoss: 0,
    accuracy: 0,
  };
  const names = Object.keys(totals) as (keyof ReferenceMetrics)[];
  let totalWeight = 0;
  for (let n = 0; n < rowsOf(problem); n++) {
    const row = referenceRowOf(problem, n);
    const weight = row.weight ?? 1;
    totalWeight += weight;
    if (weight === 0) continue;
    const metrics = rowMetrics(row);
    for (const name of names) totals[name] += weight * metrics[name];
  }
  for (const name of names) totals[name] = totalWeight === 0 ? 0 : totals[name] / totalWeight;
  return totals;
}

function rowMetrics(row: ReferenceRow): ReferenceMetrics {
  const { teacher, student, temperature, label } = row;
  const targets = row.targets ?? 'logits';
  const loss = (options: Partial<ReferenceRow>) =>
    referenceRow({
      ...(row.teacherTemperature === undefined ? {} : { teacherTemperature: row.teacherTemperature }),
      teacher,
      student,
      temperature,
      targets,
      softWeight: 1,
      hardWeight: 0,
      ...(label === undefined ? {} : { label }),
      ...options,
    }).loss;
  const crossEntropy = loss({ divergence: 'crossEntropy' });
  const metrics = {
    crossEntropy,
    kl: loss({ divergence: 'kl' }),
    teacherEntropy: entropyOfTeacher(row),
    studentEntropy: loss({
      teacher: student,
      teacherTemperature: temperature,
      targets: 'logits',
      divergence: 'crossEntropy',
    }),
    agreement: Number(firstLargest(teacher) === firstLargest(student)),
    hardLoss: label === undefined ? 0 : loss({ softWeight: 0, hardWeight: 1 }),
    accuracy: Number(
      label !== undefined &&
        firstLargest(student) === (typeof label === 'number' ? label : firstLargest(label)),
    ),
  };
  // What makes the loss of a row NaN makes all of its metrics NaN.
  if (Number.isNaN(crossEntropy)) {
    return {
      crossEntropy,
      kl: Number.NaN,
      teacherEntropy: Number.NaN,
      studentEntropy: Number.NaN,
      agreement: Number.NaN,
      hardLoss: Number.NaN,
      accuracy: Number.NaN,
    };
  }
  return metrics;
}

/** -sum p log p. */
function entropyOfTeacher(row: ReferenceRow): number {
  const { probability, log } = teacherShares(row);
  let sum = 0;
  for (let i = 0; i < log.length; i++) sum -= probability[i] === 0 ? 0 : probability[i] * log[i];
  return sum;
}

function firstLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
