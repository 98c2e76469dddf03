import Table from 'cli-table3';
import {
  type BySeed,
  type Errors,
  type Measured,
  meanErrors,
  PAPER,
  type Shifted,
  type TemperaturePoint,
} from './figures.ts';

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
  const { teacher, hardStudent, softStudent, without3, only7And8, temperatures } = measured;
  return [
    [
      'teacher, 2 x 1200, dropout, weight constraint, jitter',
      `${PAPER.teacher.errors}`,
      teacher === undefined ? '…' : `${teacher.errors}`,
    ],
    ['student, 2 x 800, labels, no regularisation', `${PAPER.hardStudent.errors}`, seedsText(hardStudent)],
    [
      "the same student, teacher's soft targets alone, T = 20",
      `${PAPER.softStudent.errors}`,
      seedsText(softStudent),
    ],
    ['no 3 in the transfer set', on3(PAPER.without3), without3 === undefined ? '…' : on3(without3)],
    [
      'the same with the bias of 3 raised',
      `${on3(PAPER.without3.shifted)} (+3.5)`,
      shiftedText(without3, on3),
    ],
    [
      'only 7s and 8s in the transfer set',
      percent(100 * PAPER.only7And8.errorRate),
      only7And8 === undefined ? '…' : percent(only7And8.errors / 100),
    ],
    [
      'the same with the biases of 7 and 8 lowered',
      `${percent(100 * PAPER.only7And8.shifted.errorRate)} (-7.6)`,
      shiftedText(only7And8, ({ errors }) => percent(errors / 100)),
    ],
    ['best temperatures, 2 x 30', '2.5 to 4', temperatureText(temperatures, 30)],
    ['temperatures, 2 x 300', 'all above 8 alike', temperatureText(temperatures, 300)],
  ];
}

function on3({ errors, errorsOn3 }: Errors): string {
  return `${errors}, ${errorsOn3} of them on 3s`;
}

function percent(value: number): string {
  return `${value.toFixed(1)} %`;
}

/** The mean over seeds, and what each gave. */
function seedsText(runs: readonly BySeed[]): string {
  const mean = meanErrors(runs);
  if (mean === undefined) return '…';
  return runs.length === 1
    ? `${mean}`
    : `${Math.round(mean)} (seeds: ${runs.map(({ errors }) => errors).join(', ')})`;
}

/** With the shift chosen on held-out training images, and with that chosen as the paper chose its own. */
function shiftedText(measured: Shifted | undefined, text: (errors: Errors) => string): string {
  if (measured === undefined) return '…';
  const { shifted, shiftedForTest } = measured;
  const by = (shift: number) => `${shift > 0 ? '+' : ''}${shift.toFixed(1)}`;
  return `${text(shifted)} (${by(shifted.by)}); chosen on the test images, as in the paper: ${text(shiftedForTest)} (${by(shiftedForTest.by)})`;
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
      const runs = points.filter((point) => point.units === units && point.temperature === temperature);
      return { temperature, errors: meanErrors(runs) ?? Number.NaN };
    });
}

export function table(result: Result): string {
  const rows = new Table({
    head: ['errors among 10,000 test images', 'paper', 'ours'],
    colWidths: [38, 26, 40],
    wordWrap: true,
    style: { head: [], border: [] },
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
