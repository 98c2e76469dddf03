import { join } from 'node:path';
import { describeWhereChromiumRuns } from '../where_chromium_runs.ts';
import { expectRight } from './expect_right.ts';
import type { Measurement } from './measure.ts';
import { runScript } from './run_program.ts';
import { packedPackage } from './tarball.ts';

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

/** The same measurement with core alone and after its backend's entry was imported too. */
interface LateKernel {
  before: Measurement;
  after: Measurement;
  warnings: string[];
}

/** Kernels of ours per backend, whether the first registered stayed, and what tfjs complained of. */
interface AllEntries {
  kernels: Record<string, number>;
  isFirst: boolean;
  warnings: string[];
}

describe('the packed tarball in Node', () => {
  it('runs as an ES module on cpu', () => expectRight(run('node_esm.mjs'), 'cpu'));

  it('runs as CommonJS on wasm', () => expectRight(run('node_commonjs.cjs'), 'wasm'));

  it('has stock ops serve until the kernel of the backend is imported, and says so once', () => {
    const { before, after, warnings } = run<LateKernel>('node_late_kernel.mjs');
    expect(before.kernels).toContain('Exp');
    expect(before.loss).toBeCloseTo(after.loss, 5);
    expectRight(after, 'cpu');
    const aboutKernels = warnings.filter((warning) => /kernel/i.test(warning)); // tfjs says hello there, too
    expect(aboutKernels).toEqual([expect.stringContaining("import 'tfjs-distill/cpu'")]);
  });

  it('registers every kernel once, whichever entries are imported and required', () => {
    expect(run<AllEntries>('node_all_entries.mjs')).toEqual({
      // linearDistillationLoss adds in place on two
      kernels: { cpu: 4, wasm: 4, webgl: 3, webgpu: 3, tensorflow: 3 },
      isFirst: true,
      warnings: [],
    });
  });

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
