import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { speedUps } from '../../benchmarks/plots.ts';
import { losingCases, reportOf } from '../../benchmarks/report.ts';
import { checkRows, modelBytes, type Row } from '../../benchmarks/row.ts';
import { formatMs, tablesOf } from '../../benchmarks/table.ts';

const FIXTURE = 'test/fixtures/bench_rows.json';
const read = (): Row[] => JSON.parse(readFileSync(FIXTURE, 'utf8'));
const rows = checkRows(read(), FIXTURE);

describe('rows', () => {
  it('of the fixture and of the published results are as row.ts says', () => {
    const results = join('benchmarks', 'results');
    const published = existsSync(results) ? readdirSync(results) : [];
    for (const name of published.filter((name) => name.endsWith('.json'))) {
      const file = join(results, name);
      expect(checkRows(JSON.parse(readFileSync(file, 'utf8')), file).length).toBeGreaterThan(0);
    }
    expect(rows.length).toBe(12);
  });

  it.each([
    ['medianMs', 0],
    ['medianMs', null],
    ['rows', 1.5],
    ['adapter', ''],
    ['software', 'no'],
    ['clock', 'sundial'],
    ['phase', 'backward'],
    ['kernels', -1],
    ['shareOfCopy', Number.NaN],
  ])('are refused with %s %p, by name', (field, value) => {
    const broken = read().map((row, n) => (n === 3 ? { ...row, [field]: value } : row));
    expect(() => checkRows(broken, 'some.json')).toThrow(
      `some.json: row 3 has ${field === 'clock' ? 'phase' : field}`,
    );
  });

  it('count two passes over memory for the value and three with the gradient', () => {
    expect(modelBytes(64, 32000, 'value')).toBe(2 * 64 * 32000 * 4);
    expect(modelBytes(64, 32000, 'value+gradient')).toBe(3 * 64 * 32000 * 4);
  });
});

describe('tables', () => {
  it('come one for each backend and clock, and say when an adapter is software', () => {
    const tables = tablesOf(rows);
    expect(tables.length).toBe(2);
    expect(tables[0]).toContain('webgpu in node on a software adapter');
    expect(tables[0]).toContain('say nothing of GPUs');
    expect(tables[1]).not.toContain('say nothing of GPUs');
  });

  it('show how many times as long stock tfjs takes', () => {
    expect(tablesOf(rows)[1]).toMatch(/64 x 32000 +value\+gradient +4.00 ms +800 ms +200x/);
  });

  it('keep to the width of the terminal, and say what that costs', () => {
    const lines = (width?: number) => tablesOf(rows, width)[1].split('\n').slice(1);
    expect(Math.max(...lines().map((line) => line.length))).toBeGreaterThan(100);
    for (const width of [100, 80]) {
      expect(Math.max(...lines(width).map((line) => line.length))).toBeLessThanOrEqual(width);
      expect(lines(width)[0]).toMatch(/^ *rows x classes +phase +distill +stock +ratio/);
      expect(lines(width).at(-1)).toMatch(
        new RegExp(`^Not in a terminal of ${width} columns: composed, floor`),
      );
    }
  });

  it('give times in the unit that suits them', () => {
    expect([0.0123, 1.5, 25.25, 1312].map(formatMs)).toEqual(['12.3 µs', '1.50 ms', '25.3 ms', '1.31 s']);
  });
});

describe('the page', () => {
  it('says where stock tfjs wins, the worst first', () => {
    const slower = (rows: number, medianMs: number) => (row: Row) =>
      row.rows === rows && row.implementation === 'tfjs-distill' ? { ...row, medianMs } : row;
    const losing = losingCases(rows.map(slower(128, 30)).map(slower(64, 700)));
    expect(losing).toEqual([
      '- cpu in node, by wall clock: 128 x 10, value+gradient: stock takes 2 % of the time',
      '- webgpu in node, software adapter by wall clock: 64 x 32000, value+gradient: stock takes 71 % of the time',
      '- webgpu in node, software adapter by wall clock: 128 x 10, value+gradient: stock takes 83 % of the time',
      '- cpu in node, by wall clock: 64 x 32000, value+gradient: composed takes 86 % of the time',
    ]);
  });

  it('says so when it wins nowhere, and has a table for each backend', () => {
    const page = reportOf(rows, 'some-machine');
    expect(page).toContain('Nowhere in this run');
    expect(page).toContain('](some-machine-share.svg)');
    expect(page.match(/^## /gm)?.length).toBe(3);
    expect(page).toMatch(/^\| 64 x 32000 \| value\+gradient \| 4.00 ms \| 800 ms \| 200x \|/m);
  });
});

describe('plots', () => {
  it('compare with stock and with the composition, each on its own device', () => {
    const found = speedUps(rows).map(({ panel, shape, implementation, speedUp }) => [
      panel,
      shape,
      implementation,
      speedUp,
    ]);
    expect(found).toEqual([
      ['webgpu in node, software adapter by wall clock', '128 x 10', 'stock', 50],
      ['webgpu in node, software adapter by wall clock', '64 x 32000', 'stock', 10],
      ['cpu in node, by wall clock', '128 x 10', 'stock', 20],
      ['cpu in node, by wall clock', '64 x 32000', 'stock', 200],
      ['cpu in node, by wall clock', '64 x 32000', 'composed', 150],
    ]);
  });

  it('are drawn beside the rows, a mark for each loss', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-plot-'));
    copyFileSync(FIXTURE, join(folder, 'rows.json'));
    execFileSync(process.execPath, ['--import', 'tsx', 'benchmarks/plot.ts', join(folder, 'rows.json')]);
    const marksOf = (plot: string) =>
      readFileSync(join(folder, `rows-${plot}.svg`), 'utf8').match(/aria-roledescription="point"/g)?.length;
    expect(marksOf('share')).toBe(9);
    expect(marksOf('speed-up')).toBe(5);
  });
});
