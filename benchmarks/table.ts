/** Rows as tables for a terminal: one for each backend and clock. */
import { bareTable, GAP } from './bare_table.ts';
import type { Row } from './row.ts';

export const HEAD: readonly string[] = [
  'rows x classes',
  'phase',
  'distill',
  'stock',
  'ratio',
  'composed',
  'ratio',
  'floor',
  'GB/s',
  'of copy',
  'kernels',
  'extra memory',
];

/** Three digits and a unit. */
export function formatMs(ms: number): string {
  return ms >= 1000 ? `${digits(ms / 1000)} s` : ms >= 1 ? `${digits(ms)} ms` : `${digits(ms * 1000)} µs`;
}

function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  const power = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${digits(bytes / 1000 ** power)} ${units[power]}`;
}

function digits(x: number): string {
  return x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2);
}

function formatSpeedUp(ours: Row | undefined, other: Row | undefined): string {
  if (!ours || !other) return '';
  return `${digits(other.medianMs / ours.medianMs)}x`;
}

const percent = (share: number | null | undefined) =>
  share === null || share === undefined ? '' : `${(100 * share).toFixed(0)} %`;

/** What tells the rows of one table from those of another. */
const tableKey = ({ backend, host, adapter, clock }: Row) => JSON.stringify([backend, host, adapter, clock]);
const lineKey = ({ rows, classes, phase }: Row) => JSON.stringify([rows, classes, phase]);

function groupBy(rows: readonly Row[], key: (row: Row) => string): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return [...groups.values()];
}

/**
 * What one backend did by one clock, as text: a title, a warning or nothing, and the cells of a table under
 * HEAD.
 */
export interface Section {
  title: string;
  warning: string;
  lines: string[][];
}

export function sectionsOf(rows: readonly Row[]): Section[] {
  return groupBy(rows, tableKey).map((group) => {
    const [{ backend, host, adapter, software, clock }] = group;
    return {
      title: `${backend} in ${host} on ${adapter}; median by ${clock} clock`,
      warning: software ? 'A software adapter: these times say nothing of GPUs.' : '',
      lines: groupBy(group, lineKey).map(lineOf),
    };
  });
}

/**
 * Places in HEAD of what a narrow terminal does without, the first of these first; a time goes with its
 * ratio.
 */
const DISPENSABLE: readonly (readonly number[])[] = [
  [HEAD.indexOf('floor')],
  [HEAD.indexOf('composed'), HEAD.lastIndexOf('ratio')],
  [HEAD.indexOf('extra memory')],
  [HEAD.indexOf('of copy')],
  [HEAD.indexOf('GB/s')],
  [HEAD.indexOf('kernels')],
];

/** The places in HEAD of the columns that fit into `width` characters. */
function columnsThatFit(lines: readonly string[][], width: number): number[] {
  const widthOf = (column: number) => Math.max(...[HEAD, ...lines].map((line) => line[column].length));
  const total = (columns: number[]) => columns.reduce((sum, column) => sum + GAP.length + widthOf(column), 0);
  let columns = [...HEAD.keys()];
  for (const group of DISPENSABLE) {
    if (total(columns) - GAP.length <= width) break;
    columns = columns.filter((column) => !group.includes(column));
  }
  return columns;
}

/** @param width characters of a line of the terminal: columns that do not fit are left out, and named. */
export function tablesOf(rows: readonly Row[], width = Number.POSITIVE_INFINITY): string[] {
  return sectionsOf(rows).map(({ title, warning, lines }) => {
    const columns = columnsThatFit(lines, width);
    const table = bareTable(
      columns.map((column) => HEAD[column]),
      lines.map((line) => columns.map((column) => line[column])),
      ['phase'],
    );
    const absent = HEAD.filter((name, column) => name !== 'ratio' && !columns.includes(column));
    const note = absent.length > 0 ? `Not in a terminal of ${width} columns: ${absent.join(', ')}.` : '';
    return [title, warning, table, note].filter(Boolean).join('\n');
  });
}

function lineOf(line: readonly Row[]): string[] {
  const [{ rows, classes, phase }] = line;
  const of = (name: string) => line.find(({ implementation }) => implementation === name);
  const [ours, stock, composed, floor] = ['tfjs-distill', 'stock', 'composed', 'floor'].map(of);
  const time = (row: Row | undefined) => (row ? formatMs(row.medianMs) : '');
  const pair = (format: (row: Row) => string) =>
    [ours, stock]
      .map((row) => (row ? format(row) : ''))
      .filter(Boolean)
      .join(' / ');
  return [
    `${rows} x ${classes}`,
    phase,
    time(ours),
    time(stock),
    formatSpeedUp(ours, stock),
    time(composed),
    formatSpeedUp(ours, composed),
    time(floor),
    ours?.gigabytesPerSecond ? digits(ours.gigabytesPerSecond) : '',
    percent(ours?.shareOfLargeCopy),
    pair(({ kernels }) => String(kernels ?? '')),
    pair(({ peakExtraBytes }) => (peakExtraBytes === null ? '' : formatBytes(peakExtraBytes))),
  ];
}
