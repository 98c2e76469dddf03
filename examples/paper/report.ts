import Table from 'cli-table3';
import { type Errors, meanAndSpread, PAPER, type ShiftedErrors } from './figures.ts';
import type { Measured, Runs, Shifted, TemperaturePoint } from './measured.ts';

/** A line of the table: what, the paper's figure, ours. */
export type Line = [what: string, paper: string, ours: string];

export function linesOf({
  teacher,
  hardStudent,
  softStudent,
  without3,
  only7And8,
  temperatures,
}: Measured): Line[] {
  const { without3: paper3, only7And8: paper78 } = PAPER;
  const percent = ({ errors }: Pick<Errors, 'errors'>) => `${(errors / 100).toFixed(1)} %`;
  return [
    ['teacher, 2 x 1200, dropout, weight constraint, jitter', `${PAPER.teacher.errors}`, errorsText(teacher)],
    ['student, 2 x 800, labels, no regularisation', `${PAPER.hardStudent.errors}`, errorsText(hardStudent)],
    [
      "the same student, teacher's soft targets alone, T = 20",
      `${PAPER.softStudent.errors}`,
      errorsText(softStudent),
    ],
    ['no 3 in the transfer set', on3(paper3), eachText(without3, on3)],
    ['the same with the bias of 3 raised', `${on3(paper3.shifted)} (+3.5)`, shiftedText(without3, on3)],
    ['only 7s and 8s in the transfer set', percent(paper78), eachText(only7And8, percent)],
    [
      'the same with the biases of 7 and 8 lowered',
      `${percent(paper78.shifted)} (-7.6)`,
      shiftedText(only7And8, percent),
    ],
    ['best temperatures, 2 x 30', '2.5 to 4', temperatureText(temperatures, 30)],
    ['temperatures, 2 x 300', 'all above 8 alike', temperatureText(temperatures, 300)],
  ];
}

function on3({ errors, errorsOn3 }: Errors): string {
  return `${errors}, ${errorsOn3} of them on 3s`;
}

/** `141 ± 4 (138, 145, 140)`: the mean of the seeds, their standard deviation, each. */
function errorsText(runs: Runs): string {
  const errors = runs.runs.map(({ errors }) => errors);
  if (errors.length === 0) return '…';
  const { mean, deviation } = meanAndSpread(errors);
  const text =
    deviation === undefined
      ? `${mean}`
      : `${mean.toFixed(0)} ± ${deviation.toFixed(0)} (${errors.join(', ')})`;
  return text + earlierText(runs);
}

/** Every seed by itself. */
function eachText(runs: Runs<Shifted>, text: (errors: Errors) => string): string {
  return runs.runs.length === 0 ? '…' : runs.runs.map(text).join('; ') + earlierText(runs);
}

/** With the shift chosen on held-out training images, and with that chosen as the paper chose its own. */
function shiftedText(runs: Runs<Shifted>, text: (errors: Errors) => string): string {
  if (runs.runs.length === 0) return '…';
  const withShift = (shifted: ShiftedErrors) =>
    `${text(shifted)} (${shifted.by > 0 ? '+' : ''}${shifted.by.toFixed(1)})`;
  const chosenByHeldOut = runs.runs.map(({ shifted }) => withShift(shifted)).join('; ');
  const chosenByTest = runs.runs.map(({ shiftedForTest }) => withShift(shiftedForTest)).join('; ');
  return `${chosenByHeldOut}${earlierText(runs)}; chosen on the test images, as in the paper: ${chosenByTest}`;
}

function earlierText({ earlierTeacher }: Runs<unknown>): string {
  return earlierTeacher === undefined ? '' : ` (of an earlier teacher with ${earlierTeacher.errors} errors)`;
}

/** Errors by temperature, the mean over seeds: `T = 4: 310`. */
function temperatureText(points: readonly TemperaturePoint[], units: TemperaturePoint['units']): string {
  const ofUnits = points.filter((point) => point.units === units);
  if (ofUnits.length === 0) return '…';
  const earlier = ofUnits.find(({ runs }) => runs.earlierTeacher !== undefined);
  return (
    ofUnits.map(({ temperature, runs }) => `T = ${temperature}: ${meanErrors(runs)?.toFixed(0)}`).join(', ') +
    (earlier === undefined ? '' : earlierText(earlier.runs))
  );
}

/** Over the seeds, if there are any. */
export function meanErrors({ runs }: Runs<Errors> | Runs): number | undefined {
  return runs.length === 0 ? undefined : meanAndSpread(runs.map(({ errors }) => errors)).mean;
}

const HEAD = ['errors among 10,000 test images', 'paper', 'ours'];

export function table(measured: Measured): string {
  const rows = new Table({
    head: HEAD,
    colWidths: [38, 26, 40],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  rows.push(...linesOf(measured));
  return rows.toString();
}

/** The same as Markdown. */
export function markdown(measured: Measured): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(HEAD), row(HEAD.map(() => '---')), ...linesOf(measured).map(row)].join('\n');
}
