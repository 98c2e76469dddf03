import { join } from 'node:path';
import { expectRight } from './expect_right.ts';
import type { Measurement } from './measure.ts';
import { runScript } from './run_program.ts';
import { packedPackage } from './tarball.ts';
import { describeWhereChromiumRuns } from './where_chromium_runs.ts';

/** Runs a consumer and returns what it prints. */
function run(program: string, nodeOptions: string[] = []): Measurement {
  const path = join(packedPackage().project, program);
  return JSON.parse(runScript([...nodeOptions, path]));
}

describe('the packed tarball in Node', () => {
  it('runs as an ES module on cpu', () => expectRight(run('node_esm.mjs'), 'cpu'));

  it('runs as CommonJS on wasm', () => expectRight(run('node_commonjs.cjs'), 'wasm'));
});

describeWhereChromiumRuns('the packed tarball on Dawn', () => {
  it('runs on webgpu', () => {
    const options = ['--import', 'tsx', '--import', './test/package/provide_webgpu.ts'];
    expectRight(run('node_dawn.mjs', options), 'webgpu');
  });
});
