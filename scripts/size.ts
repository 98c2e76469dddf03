/**
 * What size-limit cannot weigh: the SIMD kernel as the binaries it is, and how long Node takes to import the
 * built package once tfjs-core is there. Prints both and fails above a limit.
 */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { builds } from '../src/generated/wasm.ts';

export const WASM_LIMIT_BYTES = 16_000;
const IMPORT_LIMIT_MS = 10;
const IMPORTS = 15;

/** Bytes of both builds of the SIMD kernel, each gzipped. */
export function wasmSize(): number {
  const binaries = [0, 1].map((k) => Buffer.from(builds.map((halves) => halves[k]).join(''), 'base64'));
  return binaries.reduce((sum, binary) => sum + gzipSync(binary, { level: 9 }).length, 0);
}

/**
 * The fastest of a few fresh processes, in ms, of importing dist/index.js after tfjs-core: what else the
 * machine does only adds to it.
 */
function importTime(): number {
  const program = `
    await import('@tensorflow/tfjs-core');
    const start = performance.now();
    await import(${JSON.stringify(pathToFileURL(resolve('dist', 'index.js')).href)});
    console.log(performance.now() - start);`;
  const times = Array.from({ length: IMPORTS }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })),
  );
  return Math.min(...times);
}

function check(name: string, value: number, limit: number, unit: string): void {
  const verdict = value <= limit ? 'within' : 'ABOVE';
  console.log(`  ${name}: ${Number(value.toFixed(2))} ${unit}, ${verdict} the limit of ${limit} ${unit}`);
  if (!(value <= limit)) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  check('SIMD kernel, both builds, gzipped', wasmSize(), WASM_LIMIT_BYTES, 'bytes');
  check(
    `import in Node ${process.versions.node} after tfjs-core, fastest of ${IMPORTS}`,
    importTime(),
    IMPORT_LIMIT_MS,
    'ms',
  );
}
