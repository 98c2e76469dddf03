/** Rows as charts: specifications of Vega-Lite. */
import type { TopLevelSpec } from 'vega-lite';
import type { Row } from './row.ts';

/** Of Okabe and Ito, which people with any colour vision can tell apart. */
const COLOURS: Record<string, string> = {
  'tfjs-distill': '#d55e00',
  stock: '#0072b2',
  composed: '#56b4e9',
  'torch-eager': '#009e73',
  'torch-compile': '#cc79a7',
  triton: '#000000',
  'liger-kl': '#e69f00',
  'liger-jsd': '#b8a000',
};

const NOT_A_LOSS = ['floor', 'copy'];

/** Between the charts of a facet, and its two lines of title. */
const PANELS = {
  field: 'panel',
  type: 'nominal' as const,
  sort: null,
  header: { labelExpr: "split(datum.label, ', ')", labelLineHeight: 14 },
};

/** What a panel is about: one backend where it ran, by one clock. */
export function panelOf({ backend, host, clock, software }: Row): string {
  return `${backend} in ${host}, ${software ? 'software adapter by' : 'by'} ${clock} clock`;
}

const config: NonNullable<TopLevelSpec['config']> = {
  font: 'sans-serif',
  background: 'white',
  view: { stroke: '#ddd' },
  axis: { gridColor: '#eee', labelFontSize: 11, titleFontSize: 12 },
  legend: { labelLimit: 300, labelFontSize: 12, titleFontSize: 12, orient: 'top', title: null },
  header: { labelFontSize: 12, labelFontWeight: 'bold', title: null },
  title: { fontSize: 15, anchor: 'start', subtitleFontSize: 12, subtitleColor: '#555', offset: 12 },
};

function colourOf(rows: readonly { implementation: string }[]) {
  const names = Object.keys(COLOURS).filter((name) =>
    rows.some(({ implementation }) => implementation === name),
  );
  return {
    field: 'implementation',
    type: 'nominal' as const,
    scale: { domain: names, range: names.map((name) => COLOURS[name]) },
  };
}

function adaptersOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ adapter }) => adapter))];
}

/** How near each implementation comes to a plain copy, over the number of classes; value and gradient. */
export function sharePlot(rows: readonly Row[]): TopLevelSpec {
  const values = rows
    .filter(({ phase, implementation }) => phase === 'value+gradient' && !NOT_A_LOSS.includes(implementation))
    .map((row) => ({
      panel: panelOf(row),
      implementation: row.implementation,
      classes: row.classes,
      share: row.shareOfLargeCopy,
      elements: row.rows * row.classes,
    }));
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    config,
    title: {
      text: 'Share of the bandwidth of a plain copy, value and gradient',
      subtitle: [
        'v and z read once, dz written once; over the bandwidth of a large copy.',
        'The larger the dot, the larger the tensor.',
        ...adaptersOf(rows),
      ],
    },
    data: { values },
    facet: PANELS,
    columns: 3,
    spec: {
      width: 240,
      height: 200,
      layer: [
        { mark: { type: 'rule', color: '#555' }, encoding: { y: { datum: 1 } } },
        {
          mark: { type: 'point', filled: true, opacity: 0.8 },
          encoding: {
            x: {
              field: 'classes',
              type: 'quantitative',
              title: 'classes',
              scale: { type: 'log' },
              axis: { values: [2, 10, 100, 1000, 10000, 100000], format: '~s' },
            },
            y: {
              field: 'share',
              type: 'quantitative',
              title: 'share of copy',
              scale: { domain: [0, 1.2], clamp: true },
              axis: { format: '%' },
            },
            color: colourOf(values),
            size: {
              field: 'elements',
              type: 'quantitative',
              scale: { type: 'log', range: [20, 130] },
              legend: null,
            },
          },
        },
      ],
    },
  };
}

export interface SpeedUp {
  panel: string;
  /** rows x classes */
  shape: string;
  elements: number;
  phase: string;
  /** What tfjs-distill is compared with. */
  implementation: string;
  speedUp: number;
}

const keyOf = (row: Row) => JSON.stringify([panelOf(row), row.adapter, row.rows, row.classes, row.phase]);

/**
 * How many times as long each other implementation of the loss takes as tfjs-distill, on the same device in
 * the same run.
 */
export function speedUps(rows: readonly Row[]): SpeedUp[] {
  const ours = new Map(
    rows.filter(({ implementation }) => implementation === 'tfjs-distill').map((row) => [keyOf(row), row]),
  );
  return rows.flatMap((row) => {
    const own = ours.get(keyOf(row));
    if (!own || !['stock', 'composed'].includes(row.implementation)) return [];
    return [
      {
        panel: panelOf(row),
        shape: `${row.rows} x ${row.classes}`,
        elements: row.rows * row.classes,
        phase: row.phase,
        implementation: row.implementation,
        speedUp: row.medianMs / own.medianMs,
      },
    ];
  });
}

/** tfjs-distill against stock tfjs, by shape; left of the line it loses. */
export function speedUpPlot(rows: readonly Row[]): TopLevelSpec {
  const values = speedUps(rows).filter(({ phase }) => phase === 'value+gradient');
  const shapes = [...new Map(values.map(({ shape, elements }) => [shape, elements]))]
    .sort(([, a], [, b]) => a - b)
    .map(([shape]) => shape);
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    config,
    title: {
      text: 'Times as fast as stock TensorFlow.js, value and gradient',
      subtitle: ['By rows x classes. Left of the line tfjs-distill would lose.', ...adaptersOf(rows)],
    },
    data: { values },
    facet: PANELS,
    columns: 3,
    spec: {
      width: 240,
      height: { step: 17 },
      layer: [
        { mark: { type: 'rule', color: '#555' }, encoding: { x: { datum: 1 } } },
        {
          mark: { type: 'point', filled: true, size: 55, opacity: 0.9 },
          encoding: {
            x: {
              field: 'speedUp',
              type: 'quantitative',
              title: 'speed-up',
              scale: { type: 'log' },
              axis: { values: [0.1, 1, 10, 100, 1000, 10000], format: '~g' },
            },
            y: { field: 'shape', type: 'nominal', title: null, sort: shapes, axis: { grid: true } },
            color: {
              ...colourOf(values),
              legend: {
                labelExpr: "datum.label == 'stock' ? 'than its loss' : 'than its ops, composed by hand'",
              },
            },
          },
        },
      ],
    },
    resolve: { axis: { x: 'independent' } },
  };
}
