/**
 * `npm run bench:plot`: draws the rows of benchmarks/results/*.json, or of the files that are named, as SVG
 * beside them, and writes a page about them.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { sharePlot, speedUpPlot } from './plots.ts';
import { reportOf } from './report.ts';
import { checkRows } from './row.ts';

const RESULTS = join('benchmarks', 'results');

async function draw(spec: TopLevelSpec, file: string): Promise<void> {
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  writeFileSync(file, await view.toSVG());
  view.finalize();
  console.log(file);
}

const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : readdirSync(RESULTS)
        .filter((name) => name.endsWith('.json'))
        .map((name) => join(RESULTS, name));
if (files.length === 0)
  throw new Error(`bench:plot: no rows in ${RESULTS}; run npm run bench -- --json first.`);
for (const file of files) {
  const rows = checkRows(JSON.parse(readFileSync(file, 'utf8')), file);
  const stem = file.replace(/\.json$/, '');
  await draw(sharePlot(rows), `${stem}-share.svg`);
  await draw(speedUpPlot(rows), `${stem}-speed-up.svg`);
  writeFileSync(`${stem}.md`, reportOf(rows, basename(stem)));
  console.log(`${stem}.md`);
}
