/**
 * `npm run bench:pack`: the benchmark as one archive for a linux-x64 GPU machine that has nothing installed
 * and no network.
 */
import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { pack } from 'tar-stream';
import { bundleForBackend } from '../../scripts/bundle_for_backend.ts';
import { unpackChromium } from '../../scripts/chromium.ts';
import { BACKEND_PROJECTS } from '../../test/backends/projects.ts';
import { provenance } from '../provenance.ts';
import { SESSION_ENTRY } from '../session_entry.ts';
import { PACKED_BACKENDS } from './contents.ts';

const FOLDER = 'tfjs-distill-bench';
const MOST_BYTES = 60e6;
const root = resolve('.');
const here = join(root, 'benchmarks', 'pack');

if (process.platform !== 'linux' || process.arch !== 'x64') {
  throw new Error(
    `bench:pack packs the Node binary that runs it, for linux-x64; this is ${process.platform}-${process.arch}.`,
  );
}

/** What the scripts find elsewhere in a checkout lies in the archive. */
const inArchive: Plugin = {
  name: 'in archive',
  setup({ onResolve }) {
    onResolve({ filter: /\/chromium\.ts$/ }, () => ({ path: join(here, 'software_driver.ts') }));
    onResolve({ filter: /\/setup_tensorflow\.ts$/ }, () => ({ path: join(here, 'no_tensorflow.ts') }));
    onResolve({ filter: /^webgpu$/ }, () => ({ path: join(here, 'dawn_addon.ts') }));
  },
};

/** A file of the archive. */
interface Entry {
  name: string;
  source: string;
  mode: number;
}

const file = (name: string, source: string, mode = 0o644): Entry => ({ name, source, mode });

async function scripts(): Promise<Entry[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'bench-pack-'));
  const changes: BuildOptions = {
    plugins: [inArchive],
    external: [],
    sourcemap: false,
    minifySyntax: true,
    define: { WASM_FOLDER: 'globalThis.wasmFolder' },
    banner: { js: "globalThis.wasmFolder = require('node:path').join(__dirname, '..', 'wasm', '/');" },
  };
  const entries: Entry[] = [];
  for (const project of BACKEND_PROJECTS.filter(({ name }) => PACKED_BACKENDS.includes(name))) {
    const outfile = join(scratch, `${project.name}.cjs`);
    await bundleForBackend(root, project, SESSION_ENTRY, outfile, {}, changes);
    entries.push(file(`lib/sessions/${project.name}.cjs`, outfile));
  }
  const main = join(scratch, 'bench.cjs');
  await build({
    entryPoints: [join(here, 'main.ts')],
    outfile: main,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
    plugins: [inArchive],
    define: { PROVENANCE: JSON.stringify(provenance(root)) },
  });
  return [...entries, file('lib/bench.cjs', main)];
}

/** Shared libraries of the Node binary that a bare machine may lack; `ldd` knows where they are here. */
function runtimeLibraries(): Entry[] {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  return ['libstdc++.so.6', 'libgcc_s.so.1'].map((name) => {
    const path = sharedObjects.find((object) => basename(object).startsWith(name));
    if (!path) throw new Error(`bench:pack: this Node has not loaded ${name}.`);
    return file(`lib/runtime/${name}`, path);
  });
}

async function contents(): Promise<Entry[]> {
  const chromium = await unpackChromium();
  const wasm = join(root, 'node_modules', '@tensorflow', 'tfjs-backend-wasm', 'dist');
  return [
    file('bench', join(here, 'bench.sh'), 0o755),
    file('README.txt', join(here, 'README.txt')),
    file('lib/node', process.execPath, 0o755),
    ...(await scripts()),
    ...['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-simd.wasm'].map((name) =>
      file(`lib/wasm/${name}`, join(wasm, name)),
    ),
    file('lib/dawn/dawn.node', join(root, 'node_modules', 'webgpu', 'dist', 'linux-x64', 'dawn.node')),
    file('lib/vulkan/libvulkan.so.1', join(chromium, 'libvulkan.so.1')),
    file('lib/vulkan/nvidia_glx_icd.json', join(here, 'nvidia_glx_icd.json')),
    file('lib/vulkan/nvidia_egl_icd.json', join(here, 'nvidia_egl_icd.json')),
    file('lib/swiftshader/libvk_swiftshader.so', join(chromium, 'libvk_swiftshader.so')),
    file('lib/swiftshader/vk_swiftshader_icd.json', join(chromium, 'vk_swiftshader_icd.json')),
    file('lib/swiftshader/libvulkan.so.1', join(chromium, 'libvulkan.so.1')),
    ...runtimeLibraries(),
    file('peers/peers.py', join(root, 'benchmarks', 'peers', 'peers.py')),
    file('peers/workloads.json', join(root, 'benchmarks', 'workloads.json')),
    file('LICENSE', join(root, 'LICENSE')),
  ];
}

/** Unpacked elsewhere, without an environment, every backend of the archive must run. */
function proveItRuns(): void {
  const elsewhere = mkdtempSync(join(tmpdir(), 'bench-unpacked-'));
  execFileSync('tar', ['xf', out, '-C', elsewhere]);
  const backends = PACKED_BACKENDS.flatMap((name) => ['--backend', name]);
  const what = [...backends, '--quick', '--shape', '1x2', '--impl', 'tfjs-distill'];
  execFileSync(join(elsewhere, FOLDER, 'bench'), what, { env: {}, stdio: ['ignore', 'ignore', 'inherit'] });
  rmSync(elsewhere, { recursive: true });
}

const archive = pack();
const out = resolve('tfjs-distill-bench-linux-x64.tgz');
const written = pipeline(archive, createGzip({ level: 9 }), createWriteStream(out));
for (const { name, source, mode } of await contents()) {
  archive.entry({ name: `${FOLDER}/${name}`, mode }, readFileSync(source));
}
archive.finalize();
await written;
proveItRuns();
const { size } = statSync(out);
console.log(
  `${basename(out)}: ${(size / 1e6).toFixed(1)} MB. On the GPU machine: tar xf ${basename(out)} && ${FOLDER}/bench`,
);
if (size > MOST_BYTES) throw new Error(`bench:pack: the archive must stay under ${MOST_BYTES / 1e6} MB.`);
