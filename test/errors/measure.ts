/**
 * Runs in the process or page of one backend: the worst errors over finite logits, against the float64
 * reference.
 */
import { describeBackend } from '../backends/current.ts';
import { DIVERGENCES } from '../cases.ts';
import { type CaseOptions, classesOf, makeCase, type ObjectiveCase, reference } from '../objective_case.ts';
import { runCase } from '../run_case.ts';

/** The worst errors of one divergence. */
export interface WorstErrors {
  divergence: string;
  /** Of the loss of a row, relative to max(1, truth). */
  value: number;
  /**
   * Of dStudent times T; for reverseKl, whose gradient is q times a logarithm, relative to the row's largest
   * logarithm.
   */
  gradient: number;
  /**
   * At T = 1e3 and 1e4: of the loss, relative to itself (crossEntropy, which is no difference: to max(1,
   * truth)).
   */
  valueAtHighT: number;
  /** At T = 1e3 and 1e4: of dStudent, relative to the row's largest element. */
  gradientAtHighT: number;
}

export type ErrorReport = { description: string } | WorstErrors;

const TEMPERATURES = [0.05, 1, 4, 100];
const SPREADS = [1, 30, 3000];

export async function measureErrors(report: (report: ErrorReport) => Promise<void> | void): Promise<void> {
  await report({ description: await describeBackend() });
  for (const divergence of DIVERGENCES) {
    const worst: WorstErrors = { divergence, value: 0, gradient: 0, valueAtHighT: 0, gradientAtHighT: 0 };
    for (const problem of ordinaryCases({ divergence, temperature: 1, scaleByTemperatureSquared: false })) {
      const errors = await errorsOf(problem);
      worst.value = Math.max(worst.value, errors.value);
      worst.gradient = Math.max(worst.gradient, errors.gradient);
    }
    for (const problem of highTemperatureCases({ divergence, temperature: 1 })) {
      const errors = await errorsOf(problem);
      worst.valueAtHighT = Math.max(
        worst.valueAtHighT,
        divergence === 'crossEntropy' ? errors.value : errors.ownValue,
      );
      worst.gradientAtHighT = Math.max(worst.gradientAtHighT, errors.ownGradient);
    }
    await report(worst);
  }
}

function ordinaryCases(options: CaseOptions): ObjectiveCase[] {
  let seed = 900;
  const make = (shape: number[], changes: Partial<CaseOptions>, spread: number) =>
    makeCase('', shape, { ...options, ...changes }, { seed: seed++, spread });
  return [
    ...TEMPERATURES.flatMap((temperature) =>
      SPREADS.map((spread) => make([16, 1000], { temperature }, spread)),
    ),
    make([64, 10], { temperature: 4 }, 5),
    make([3, 32_000], { temperature: 4 }, 10),
    make([16, 1000], { temperature: 4, targets: 'probabilities', teacherTemperature: 1 }, 10),
  ];
}

/** Logits 3 apart, 0.01 apart, and shifted. */
function highTemperatureCases(options: CaseOptions): ObjectiveCase[] {
  return [1e3, 1e4].flatMap((temperature) =>
    [3, 1e-2].map((distance) =>
      makeCase(
        '',
        [8, 1000],
        { ...options, temperature },
        {
          seed: 950,
          edit: ({ teacher, student }) => {
            for (let i = 0; i < student.length; i++)
              student[i] = teacher[i] + (distance / 3) * student[i] + (i < 2000 ? 0 : 50);
          },
        },
      ),
    ),
  );
}

const relative = (error: number, size: number) => (error === 0 ? 0 : error / size);

async function errorsOf(problem: ObjectiveCase) {
  const truth = reference(problem);
  const rows = truth.loss.length;
  const classes = classesOf(problem);
  const { loss, dStudent } = await runCase(problem, new Float32Array(rows).fill(1), false);
  const worst = { value: 0, gradient: 0, ownValue: 0, ownGradient: 0 };
  const t = problem.options.temperature as number;
  for (let n = 0; n < rows; n++) {
    const error = Math.abs(loss[n] - truth.loss[n]);
    const size = truth.valueScale[n];
    let largestError = 0;
    let largestSlope = 0;
    for (let i = n * classes; i < (n + 1) * classes; i++) {
      largestError = Math.max(largestError, Math.abs(dStudent[i] - truth.dStudent[i]));
      largestSlope = Math.max(largestSlope, Math.abs(truth.dStudent[i]));
    }
    const logarithm = problem.options.divergence === 'reverseKl' ? truth.logScale[n] : 1;
    worst.value = Math.max(worst.value, relative(error, Math.max(size, Math.abs(truth.loss[n]))));
    worst.ownValue = Math.max(worst.ownValue, relative(error, Math.abs(truth.loss[n])));
    worst.gradient = Math.max(worst.gradient, relative(largestError * t, size * logarithm));
    worst.ownGradient = Math.max(worst.ownGradient, relative(largestError, largestSlope));
  }
  if (Object.values(worst).some(Number.isNaN)) throw new Error(`NaN in ${JSON.stringify(problem.options)}`);
  return worst;
}
