import Table from 'cli-table3';
import { type Measured, PAPER, type TemperaturePoint } from './figures.ts';

/** What is written to paper.json. */
export interface Result {
  backend: string;
  device: string;
  date: string;
  /** Factor of the planned epochs. */
  scale: number;
  jobs: { name: string; epochs: number; seconds: number }[];
  measured: Measured;
}

/** A line of the table: what, the paper's figure, ours. */
export type Line = [what: string, paper: string, ours: string];

export function lines({ measured }: Result): Line[] {
  const { teacher, hardStudent, softStudent, without3, only7And8 } = measured;
  const rate = (errors: number | undefined) =>
    errors === undefined ? '…' : `${(errors / 100).toFixed(1)} %`;
  const count = (errors: number | undefined) => (errors === undefined ? '…' : `${errors}`);
  const by = (shift: number | undefined) =>
    shift === undefined ? '' : `, biases ${shift > 0 ? '+' : ''}${shift.toFixed(1)}`;
  const withThrees = (errors: { errors: number; errorsOn3: number } | undefined) =>
    errors === undefined ? '…' : `${errors.errors}, ${errors.errorsOn3} of them on 3s`;
  return [
    [
      'teacher, 2 x 1200, dropout, weight constraint, jitter',
      `${PAPER.teacher.errors}`,
      count(teacher?.errors),
    ],
    [
      'student, 2 x 800, labels, no regularisation',
      `${PAPER.hardStudent.errors}`,
      count(hardStudent?.errors),
    ],
    [
      "the same student, teacher's soft targets alone, T = 20",
      `${PAPER.softStudent.errors}`,
      count(softStudent?.errors),
    ],
    ['no 3 in the transfer set', withThrees(PAPER.without3), withThrees(without3)],
    [
      'the same with the bias of 3 raised',
      `${withThrees(PAPER.without3.shifted)} (bias +3.5)`,
      without3 === undefined
        ? '…'
        : `${withThrees(without3.shifted)} (bias +${without3.biasShift.toFixed(1)})`,
    ],
    ['only 7s and 8s in the transfer set', '47.3 %', rate(only7And8?.errors)],
    [
      'the same with the biases of 7 and 8 lowered',
      '13.2 % (biases -7.6)',
      only7And8 === undefined
        ? '…'
        : `${rate(only7And8.shifted.errors)} (${by(only7And8.biasShift).slice(2)})`,
    ],
    ['best temperatures, 2 x 30', '2.5 to 4', temperatureText(measured.temperatures, 30)],
    ['temperatures, 2 x 300', 'all above 8 alike', temperatureText(measured.temperatures, 300)],
  ];
}

/** Errors by temperature, the mean over seeds: `T = 4: 310`. */
function temperatureText(points: TemperaturePoint[], units: TemperaturePoint['units']): string {
  const means = meansByTemperature(points, units);
  return means.length === 0
    ? '…'
    : means.map(({ temperature, errors }) => `T = ${temperature}: ${Math.round(errors)}`).join(', ');
}

export function meansByTemperature(points: TemperaturePoint[], units: TemperaturePoint['units']) {
  const temperatures = [
    ...new Set(points.filter((point) => point.units === units).map((point) => point.temperature)),
  ];
  return temperatures
    .sort((a, b) => a - b)
    .map((temperature) => {
      const errors = points
        .filter((point) => point.units === units && point.temperature === temperature)
        .map((point) => point.errors);
      return { temperature, errors: errors.reduce((sum, count) => sum + count, 0) / errors.length };
    });
}

export function table(result: Result): string {
  const rows = new Table({
    head: ['errors among 10,000 test images', 'paper', 'ours'],
    colWidths: [38, 26, 40],
    wordWrap: true,
    style: { head: ['bold'], border: [] },
  });
  rows.push(...lines(result));
  return rows.toString();
}

/** The same as Markdown. */
export function markdown(result: Result): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['errors among 10,000 test images', 'paper', 'ours']),
    row(['---', '---', '---']),
    ...lines(result).map(row),
  ].join('\n');
}
