import { join } from 'node:path';
import { expectRight } from './expect_right.ts';
import type { Measurement } from './measure.ts';
import { runScript } from './run_program.ts';
import { packedPackage } from './tarball.ts';
import { describeWhereChromiumRuns } from './where_chromium_runs.ts';

/** Losses before training, in the log of the first epoch, and after training. */
interface DistillerRun {
  backend: string;
  before: number;
  first: number;
  after: number;
}

/** Runs a consumer and returns what it prints. */
function run<Result = Measurement>(program: string, nodeOptions: string[] = []): Result {
  const path = join(packedPackage().project, program);
  return JSON.parse(runScript([...nodeOptions, path]));
}

describe('the packed tarball in Node', () => {
  it('runs as an ES module on cpu', () => expectRight(run('node_esm.mjs'), 'cpu'));

  it('runs as CommonJS on wasm', () => expectRight(run('node_commonjs.cjs'), 'wasm'));

  it('distils with tfjs-layers, from the subpath', () => {
    const { backend, before, first, after } = run<DistillerRun>('node_layers.mjs');
    expect(backend).toBe('cpu');
    expect(Math.abs(first - before)).toBeLessThan(1e-5 * before);
    expect(after).toBeLessThan(before / 2);
  });
});

describeWhereChromiumRuns('the packed tarball on Dawn', () => {
  it('runs on webgpu', () => {
    const options = ['--import', 'tsx', '--import', './test/package/provide_webgpu.ts'];
    expectRight(run('node_dawn.mjs', options), 'webgpu');
  });
});
