import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { PAPER } from './figures.ts';
import type { Measured } from './measured.ts';
import { meanErrors } from './report.ts';

/** The figures of the paper beside ours, and errors by temperature, as an SVG. */
export async function svgOf(measured: Measured): Promise<string> {
  const view = new View(parse(compile(spec(measured)).spec), { renderer: 'none' });
  return view.toSVG();
}

const BY = { domain: ['paper', 'ours'], range: ['#9aa5b1', '#1f6feb'] };

function spec(measured: Measured): TopLevelSpec {
  const { teacher, hardStudent, softStudent, without3 } = measured;
  const shifted = { runs: without3.runs.map(({ seed, shifted }) => ({ seed, ...shifted })) };
  const pairs: [string, number, number | undefined][] = [
    ['teacher', PAPER.teacher.errors, meanErrors(teacher)],
    ['student, labels', PAPER.hardStudent.errors, meanErrors(hardStudent)],
    ['student, T = 20', PAPER.softStudent.errors, meanErrors(softStudent)],
    ['no 3s seen', PAPER.without3.errors, meanErrors(without3)],
    ['no 3s, bias raised', PAPER.without3.shifted.errors, meanErrors(shifted)],
  ];
  const bars = pairs.flatMap(([what, paper, ours]) => [
    { what, by: 'paper', errors: paper },
    ...(ours === undefined ? [] : [{ what, by: 'ours', errors: Math.round(ours) }]),
  ]);
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    config: { font: 'sans-serif', axis: { labelFontSize: 12, titleFontSize: 12 }, view: { stroke: null } },
    bounds: 'flush',
    spacing: 60,
    hconcat: [
      {
        title: 'Errors among 10,000 test images',
        width: { step: 22 },
        height: 260,
        data: { values: bars },
        encoding: {
          x: { field: 'what', type: 'nominal', sort: null, title: null, axis: { labelAngle: -30 } },
          xOffset: { field: 'by', sort: BY.domain },
          y: { field: 'errors', type: 'quantitative', title: null },
        },
        layer: [
          {
            mark: 'bar',
            encoding: { color: { field: 'by', scale: BY, legend: { title: null, orient: 'top-left' } } },
          },
          { mark: { type: 'text', dy: -6, fontSize: 11 }, encoding: { text: { field: 'errors' } } },
        ],
      },
      ...([30, 300] as const).map((units) => ({
        title: `2 x ${units} units: errors by temperature`,
        width: 260,
        height: 260,
        data: {
          values: measured.temperatures
            .filter((point) => point.units === units)
            .map(({ temperature, runs }) => ({ temperature, errors: meanErrors(runs) })),
        },
        mark: { type: 'line' as const, point: true, color: BY.range[1] },
        encoding: {
          x: {
            field: 'temperature',
            type: 'quantitative' as const,
            scale: { type: 'log' as const, nice: false },
            title: 'temperature T',
          },
          y: { field: 'errors', type: 'quantitative' as const, scale: { zero: false }, title: null },
        },
      })),
    ],
  };
}
