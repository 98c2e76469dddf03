import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { ALPHAS, type Run, SIZES, type Sweep, TEMPERATURES } from './grid.ts';

/** Draws the errors over temperature and over alpha as SVG files and returns their paths. */
export async function drawCurves(sweep: Sweep, folder: string): Promise<string[]> {
  const curves: [string, TopLevelSpec][] = [
    ['errors_over_temperature.svg', errorsOver(sweep, 'temperature')],
    ['errors_over_alpha.svg', errorsOver(sweep, 'alpha')],
  ];
  return Promise.all(
    curves.map(async ([name, spec]) => {
      const path = join(folder, name);
      writeFileSync(path, `${await new View(parse(compile(spec).spec)).toSVG()}\n`);
      return path;
    }),
  );
}

const AXES = {
  temperature: { title: 'temperature T', values: TEMPERATURES, scale: 'log', other: 'alpha' },
  alpha: { title: 'alpha, the weight of the labels', values: ALPHAS, scale: 'linear', other: 'temperature' },
} as const;

/**
 * A panel for each size of student: every run a faint dot, lines through the means, and labels alone as a
 * dashed line.
 */
function errorsOver({ runs }: Sweep, x: keyof typeof AXES): TopLevelSpec {
  return {
    hconcat: SIZES.map((units) =>
      panel(
        runs.filter((run) => run.units === units),
        x,
      ),
    ),
    config: { background: 'white', font: 'sans-serif' },
  };
}

function panel(runs: Run[], x: keyof typeof AXES) {
  const { title, values, scale, other } = AXES[x];
  const distilled = { filter: 'datum.alpha < 1' };
  const alone = runs.filter(({ alpha }) => alpha === 1);
  const mean = alone.reduce((sum, { errors }) => sum + errors, 0) / alone.length;
  const encoding = {
    x: {
      field: x,
      type: 'quantitative' as const,
      scale: { type: scale, domain: [values[0], values[values.length - 1]], nice: false },
      axis: { values: [...values], title, format: '~g' },
    },
    color: {
      field: other,
      type: 'ordinal' as const,
      title: other === 'alpha' ? 'alpha' : 'T',
      scale: { scheme: 'viridis' as const },
    },
  };
  const errors = {
    field: 'errors',
    type: 'quantitative',
    scale: { zero: false },
    title: 'errors of 10,000',
  } as const;
  return {
    title: `a student of ${runs[0].units} hidden units`,
    width: 300,
    height: 260,
    data: { values: runs },
    layer: [
      {
        transform: [distilled],
        mark: { type: 'circle', opacity: 0.4 },
        encoding: { ...encoding, y: errors },
      },
      {
        transform: [distilled],
        mark: 'line',
        encoding: { ...encoding, y: { ...errors, aggregate: 'mean' } },
      },
      {
        data: { values: [{ mean, text: 'labels alone' }] },
        layer: [
          { mark: { type: 'rule', strokeDash: [6, 4], color: '#555' } },
          {
            mark: { type: 'text', x: 296, align: 'right', dy: -6, color: '#555' },
            encoding: { text: { field: 'text' } },
          },
        ],
        encoding: { y: { field: 'mean', type: 'quantitative' } },
      },
    ],
  } satisfies TopLevelSpec;
}
