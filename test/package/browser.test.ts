import { spawn } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../../scripts/chromium.ts';
import { describeWhereChromiumRuns } from '../where_chromium_runs.ts';
import { expectRight } from './expect_right.ts';
import type { Measurement } from './measure.ts';
import { runProgram, runScript } from './run_program.ts';
import { serve } from './serve.ts';
import { packedPackage } from './tarball.ts';

const { project } = packedPackage();
const VITE = join(project, 'node_modules/vite/bin/vite.js');

jest.setTimeout(180_000);

let browser: Browser;
let server: Awaited<ReturnType<typeof serve>>;

/**
 * What script_tag/vis.html leaves: the history of a fit of 6 epochs of 3 batches, and the lines of each
 * chart.
 */
interface Drawn {
  history: Record<string, number[]>;
  charts: { x: number; y: number }[][][];
  text: string;
}

/** Opens a page and returns what it leaves in `globalThis.result`; any error of the page fails. */
async function resultOf<Result = Measurement>(url: string): Promise<Result> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.stack ?? error.message));
  page.on('requestfailed', (request) => errors.push(`${request.url()} failed`));
  await page.goto(url);
  await page
    .waitForFunction('"result" in globalThis', null, { timeout: 150_000 })
    .catch((error: Error) => errors.push(error.message));
  if (errors.length > 0) throw new Error(`${url}:\n${errors.join('\n')}`);
  const result = await page.evaluate<Result>('result');
  await page.close();
  return result;
}

/** Starts Vite's dev server and returns its address. */
async function startVite(): Promise<{ url: string; close(): void }> {
  const vite = spawn(
    process.execPath,
    [
      join(project, 'node_modules/vite/bin/vite.js'),
      '--host',
      'localhost',
      '--port',
      '0',
      '--clearScreen',
      'false',
    ],
    {
      cwd: join(project, 'vite'),
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NO_COLOR: '1' },
    },
  );
  let printed = '';
  for await (const chunk of vite.stdout) {
    printed += chunk;
    const url = printed.match(/http:\/\/localhost:\d+\//)?.[0];
    if (url) return { url, close: () => vite.kill() };
  }
  throw new Error(`Vite ended:\n${printed}`);
}

describeWhereChromiumRuns('the packed tarball in a page', () => {
  beforeAll(async () => {
    browser = await launchChromium();
    server = await serve(project);
  });

  afterAll(async () => {
    await browser.close();
    server.close();
  });

  it('built by Vite, runs on webgpu', async () => {
    runScript([VITE, 'build', '--base', './', '--logLevel', 'error'], join(project, 'vite'));
    expectRight(await resultOf(`${server.url}/vite/dist/index.html`), 'webgpu');
  });

  it("on Vite's dev server, runs on webgpu", async () => {
    const vite = await startVite();
    try {
      expectRight(await resultOf(vite.url), 'webgpu');
    } finally {
      vite.close();
    }
  });

  it('built by webpack for production, runs on webgl', async () => {
    runScript(['build.mjs'], join(project, 'webpack'));
    copyFileSync(join(project, 'webpack/index.html'), join(project, 'webpack/dist/index.html'));
    expectRight(await resultOf(`${server.url}/webpack/dist/index.html`), 'webgl');
  });

  it('built by esbuild, runs on wasm', async () => {
    esbuild('main.js');
    copyFileSync(join(project, 'esbuild/index.html'), join(project, 'esbuild/dist/index.html'));
    expectRight(await resultOf(`${server.url}/esbuild/dist/index.html`), 'wasm');
  });

  it('built by esbuild from core and one backend, runs on webgpu', async () => {
    esbuild('one_backend.js');
    copyFileSync(join(project, 'esbuild/one_backend.html'), join(project, 'esbuild/dist/one_backend.html'));
    expectRight(await resultOf(`${server.url}/esbuild/dist/one_backend.html`), 'webgpu');
  });

  it('from a script tag, runs on webgl', async () => {
    expectRight(await resultOf(`${server.url}/script_tag/index.html`), 'webgl');
  });

  it('from a script tag with tfjs-layers, distils on webgl', async () => {
    expectRight(await resultOf(`${server.url}/script_tag/layers.html`), 'webgl');
  });

  it('from script tags, tfvis.show.fitCallbacks draws what Distiller.fit logs: a point for each epoch, and for each batch', async () => {
    const { history, charts, text } = await resultOf<Drawn>(`${server.url}/script_tag/vis.html`);
    expect(text).toMatch(/Training[\s\S]*onBatchEnd[\s\S]*onEpochEnd/);
    const [batchLoss, batchAgreement, loss, agreement] = charts;
    for (const [line] of [batchLoss, batchAgreement]) expect(line).toHaveLength(6 * 3);
    for (const [name, chart] of Object.entries({ loss, agreement })) {
      const drawn = chart.slice(-2); // a chart that is drawn again has its lines again
      expect(drawn.map((line) => line.length)).toEqual([6, 6]);
      const heights = drawn.flat().map(({ y }) => y);
      const values = [...history[name], ...history[`val_${name}`]];
      const [low, high] = [Math.min, Math.max].map((extreme) => values.indexOf(extreme(...values)));
      const slope = (heights[high] - heights[low]) / (values[high] - values[low]);
      expect(slope).toBeLessThan(0); // downwards on a canvas
      const truth = values.map((value) => heights[low] + slope * (value - values[low]));
      for (const [k, height] of heights.entries()) expect(height).toBeCloseTo(truth[k], 1);
    }
  });
});

it('a bare import registers the kernels, whatever a bundler shakes off', () => {
  esbuild('registration.js');
  runScript([
    '-e',
    `require(${JSON.stringify(join(project, 'esbuild/dist/registration.js'))}); process.exit(globalThis.registered ? 0 : 1)`,
  ]);
});

it('core and one backend bring its shaders and no kernel of another backend', () => {
  esbuild('one_backend.js');
  const bundle = readFileSync(join(project, 'esbuild/dist/one_backend.js'), 'utf8');
  const isIn = (literal: string) => bundle.includes(literal);
  const [webgpu, webgl] = ['webgpu', 'webgl'].map(shadersOf);
  expect(webgpu.filter(isIn)).toEqual(webgpu);
  expect(webgl.filter(isIn)).toEqual([]);
  expect(bundle).not.toContain(WASM_IN_BASE64);
});

/** How the SIMD kernel begins. */
const WASM_IN_BASE64 = 'AGFzbQ';

/** The shaders of an entry of dist/: its long strings. */
function shadersOf(entry: string): string[] {
  const code = readFileSync(join(project, 'node_modules/tfjs-distill/dist', `${entry}.js`), 'utf8');
  const literals = [...code.matchAll(/= ("(?:[^"\\\n]|\\.){200,}");$/gm)].map(([, literal]) => literal);
  expect(literals.length).toBeGreaterThan(10);
  return literals.map((literal) => String(JSON.parse(literal)));
}

/** What tfjs's modules import for Node alone. */
const NODE_MODULES = ['fs', 'path', 'perf_hooks', 'os', 'worker_threads', 'util', 'crypto'];

function esbuild(entry: string): void {
  runProgram(
    join(project, 'node_modules/esbuild/bin/esbuild'),
    [
      ...[entry, '--bundle', '--minify', '--outdir=dist', '--log-level=warning'],
      ...NODE_MODULES.map((name) => `--external:${name}`),
    ],
    join(project, 'esbuild'),
  );
}
