import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { type BackendProject, isPage } from '../test/backends/projects.ts';

/** Where tfjs's .wasm files lie, and where a page finds them. */
export const WASM_FOLDER = resolve('node_modules/@tensorflow/tfjs-backend-wasm/dist');
export const PAGE_WASM_FOLDER = '/tfjs-backend-wasm/';

/**
 * One script with everything in it and one single copy of tfjs-core, but for tfjs-node: no bundler can pack
 * its addon, so it brings its own, and they share one engine.
 *
 * @param entry TypeScript that sets `globalThis.start`, a Start; imports are relative to `root`. WebGPU is
 * there when `start` is called.
 * @param constants what globals of the script stand for, as JSON.
 * @param changes to how esbuild is called otherwise.
 */
export async function bundleForBackend(
  root: string,
  project: BackendProject,
  entry: string,
  outfile: string,
  constants: Record<string, unknown> = {},
  changes: BuildOptions = {},
): Promise<void> {
  const inProcess = !isPage(project);
  mkdirSync(dirname(outfile), { recursive: true });
  const provide =
    project.host === 'node' && project.backendName === 'webgpu'
      ? `import { provideWebGPU } from './scripts/dawn.ts';
         const { start } = globalThis;
         globalThis.start = async (report, argument) => {
           await provideWebGPU();
           await start(report, argument);
         };`
      : '';
  const { define, ...rest } = changes;
  await build({
    stdin: { contents: `${entry}\n${provide}`, resolveDir: root, loader: 'ts' },
    outfile,
    bundle: true,
    platform: inProcess ? 'node' : 'browser',
    format: inProcess ? 'cjs' : 'iife',
    mainFields: ['module', 'main'],
    target: 'es2022',
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'error',
    external: inProcess
      ? ['webgpu', 'playwright-core']
      : ['fs', 'path', 'perf_hooks', 'os', 'worker_threads', 'util', 'crypto'],
    define: {
      ...Object.fromEntries(Object.entries(constants).map(([name, value]) => [name, JSON.stringify(value)])),
      BACKEND_PROJECT: JSON.stringify(project),
      WASM_FOLDER: JSON.stringify(inProcess ? `${WASM_FOLDER}/` : PAGE_WASM_FOLDER),
      ...define,
    },
    ...rest,
  });
}
