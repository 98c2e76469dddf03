/**
 * The minified script, with its shortened shaders, against the float64 reference: the suites that the source
 * passes, run on what npm ships.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { bundleForBackend } from '../../scripts/bundle_for_backend.ts';
import { runOnBackend } from '../../scripts/run_on_backend.ts';
import { BACKEND_PROJECTS, type BackendProject, isPage } from '../backends/projects.ts';
import type { CaseReport } from '../runner/blocks.ts';
import { describeWhereChromiumRuns } from '../where_chromium_runs.ts';
import { packedPackage } from './tarball.ts';

jest.setTimeout(480_000);

const { project } = packedPackage();

const SUITES = ['values', 'numerics', 'metrics'];

/**
 * src/index.ts becomes the script of the tarball, which takes tfjs-core from the global `tf` and leaves
 * `tfjsDistill`.
 */
const scriptForSource: Plugin = {
  name: 'the script in place of the source',
  setup(build) {
    build.onResolve({ filter: /\/src\/index\.ts$/ }, () => ({ path: 'script', namespace: 'tarball' }));
    build.onLoad({ filter: /.*/, namespace: 'tarball' }, () => {
      const script = readFileSync(
        join(project, 'node_modules', 'tfjs-distill', 'dist', 'tfjs-distill.min.js'),
        'utf8',
      );
      const contents = `
        globalThis.tf = require('@tensorflow/tfjs-core');
        (0, eval)(${JSON.stringify(script)});
        module.exports = globalThis.tfjsDistill;`;
      return { contents, resolveDir: process.cwd() };
    });
  },
};

async function runSuites(backend: BackendProject): Promise<CaseReport[]> {
  const entry = `
    import { runSuite } from './test/runner/suite.ts';
    import { describeBackend, validationErrors } from './test/backends/current.ts';
    ${SUITES.map((suite) => `import './test/conformance/${suite}.test.ts';`).join('\n')}
    const options = { stopsAtFailure: false, titlePattern: '' };
    globalThis.start = (report) => runSuite(describeBackend, validationErrors, report, options);`;
  const outfile = join(project, 'minified', `${backend.name}${isPage(backend) ? '.js' : '.cjs'}`);
  await bundleForBackend(process.cwd(), backend, entry, outfile, {}, { plugins: [scriptForSource] });
  const reports: CaseReport[] = [];
  await runOnBackend<CaseReport>(backend, outfile, (report) => {
    reports.push(report);
  });
  return reports;
}

async function expectConformance(backend: BackendProject): Promise<void> {
  const reports = await runSuites(backend);
  const failed = reports.filter(({ error }) => error !== null);
  expect(failed.map(({ titles, error }) => `${titles.join(' ')}: ${error}`)).toEqual([]);
  expect(reports.length).toBeGreaterThan(100);
}

describe('the minified script agrees with the float64 reference', () => {
  for (const backend of BACKEND_PROJECTS.filter(({ name }) => name === 'cpu' || name === 'wasm')) {
    it(`on ${backend.name}`, () => expectConformance(backend));
  }
});

describeWhereChromiumRuns('the minified script in a page agrees with the float64 reference', () => {
  for (const backend of BACKEND_PROJECTS.filter(
    ({ host, precision }) => host === 'chromium' && precision === 'f32',
  )) {
    it(`on ${backend.name}`, () => expectConformance(backend));
  }
});
