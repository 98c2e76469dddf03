/**
 * Turns the shader files and the AssemblyScript of kernels/ into checked-in modules of strings under
 * src/generated/, so that the package needs no loader and no fetch. Of shaders, comments and indentation are
 * left out; AssemblyScript is compiled and becomes base64. `--check` writes nothing and fails if a module is
 * stale.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Comments go, lines stay apart: WGSL and GLSL have no string literals that a `//` could stand in. */
function compact(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .map((line) => line.replace(/\/\/.*$/, '').trim())
    .filter((line) => line !== '')
    .join('\n');
}

/** `kernels/wgsl/row_pass.wgsl` becomes `export const rowPass = '...'` of `src/generated/wgsl.ts`. */
function shaderModule(root: string, language: 'wgsl' | 'glsl'): string {
  const folder = join(root, 'kernels', language);
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(`.${language}`))
    .sort();
  const constants = files.map((name) => {
    const identifier = name
      .slice(0, -(language.length + 1))
      .replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    return `/** kernels/${language}/${name} */\nexport const ${identifier} =\n  ${JSON.stringify(compact(readFileSync(join(folder, name), 'utf8')))};\n`;
  });
  return `// Made by scripts/embed_kernels.ts from kernels/${language}; do not edit.\n${constants.join('')}`;
}

/**
 * Nothing of a runtime: no allocator, no data segment, no stack in memory, because the module is also
 * instantiated on the heap of tfjs's 'wasm' backend.
 */
const ASC_OPTIONS = [
  ...['--runtime', 'stub', '--importMemory', '--noExportMemory', '--enable', 'simd', '--noAssert'],
  ...['--optimizeLevel', '3', '--shrinkLevel', '1', '--runPasses', 'reorder-locals'],
  ...['--disableWarning', '112'], // vectors between functions, none of which is an export
];

/**
 * What has one caller is inlined whatever its size, where asc stops at a small one: 12 % less time for rows
 * of 10 classes, and 3 % less to load.
 */
const WASM_OPT_OPTIONS = [
  ...['--enable-simd', '--enable-mutable-globals', '--enable-sign-ext', '--enable-bulk-memory'],
  ...['--enable-nontrapping-float-to-int', '--optimize-level=3', '--shrink-level=1'],
  ...['--inlining-optimizing', '--reorder-locals'],
];

/** One file of kernels/wasm, compiled and optimized, as base64. */
function compiled(root: string, file: string, options: { asc: string[]; wasmOpt: string[] }): string {
  const folder = mkdtempSync(join(tmpdir(), 'embed-kernels-'));
  try {
    const outFile = join(folder, 'kernel.wasm');
    const run = (tool: string, options: readonly string[]) =>
      execFileSync(process.execPath, [join(root, 'node_modules', ...tool.split('/')), ...options], {
        cwd: root,
        stdio: ['ignore', 'inherit', 'inherit'],
      });
    run('assemblyscript/bin/asc.js', [file, '--outFile', outFile, ...ASC_OPTIONS, ...options.asc]);
    run('binaryen/bin/wasm-opt', [outFile, '--output', outFile, ...WASM_OPT_OPTIONS, ...options.wasmOpt]);
    return readFileSync(outFile).toString('base64');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const wasmConstant = (comment: string, name: string, base64: string) =>
  `/** ${comment} */\nexport const ${name} =\n  '${base64}';\n`;
const WASM_HEADER = '// Made by scripts/embed_kernels.ts from kernels/wasm; do not edit.\n';

/** In characters of base64; the second half is what is left. */
const HALF = 20_000;

/** Works over once more what inlining left: 2 to 5 % less time for short rows. */
const TWICE_MORE = ['-O4', '-O4', '--reorder-locals'];

/** `kernels/wasm/kernel.ts` without and with relaxed SIMD becomes `builds` of `src/generated/wasm.ts`. */
function wasmModule(root: string): string {
  const file = 'kernels/wasm/kernel.ts';
  const simd = compiled(root, file, { asc: [], wasmOpt: TWICE_MORE });
  const relaxedSimd = compiled(root, file, {
    asc: ['--enable', 'relaxed-simd'],
    wasmOpt: ['--enable-relaxed-simd', ...TWICE_MORE],
  });
  return buildsModule(file, simd, relaxedSimd);
}

/**
 * Halves of the two in turn, which are much alike: gzip, which looks back 32 kB, then finds the likeness, and
 * a bundle is smaller by a quarter of both.
 */
export function buildsModule(file: string, simd: string, relaxedSimd: string): string {
  const halves = [simd, relaxedSimd].map((build) => [0, 1].map((k) => build.slice(k * HALF, (k + 1) * HALF)));
  const pairs = [0, 1].map((k) => `  ['${halves[0][k]}', '${halves[1][k]}'],\n`);
  const comment = `/** ${file}: halves of the build with 128-bit SIMD, each with that of the build with relaxed SIMD. */`;
  return `${WASM_HEADER}${comment}\nexport const builds = [\n${pairs.join('')}] as const;\n`;
}

/**
 * `kernels/wasm/matmul.ts` with and without fused multiplication and addition becomes `matmul` and
 * `matmulFused` of a module that most programs do not load.
 */
function wasmMatmulModule(root: string): string {
  const file = 'kernels/wasm/matmul.ts';
  const plain = compiled(root, file, { asc: ['--use', 'FUSED=0'], wasmOpt: [] });
  const fused = compiled(root, file, {
    asc: ['--use', 'FUSED=1', '--enable', 'relaxed-simd'],
    wasmOpt: ['--enable-relaxed-simd'],
  });
  return (
    WASM_HEADER +
    wasmConstant(`${file}, FUSED = 0`, 'matmul', plain) +
    wasmConstant(`${file}, FUSED = 1`, 'matmulFused', fused)
  );
}

/** What the modules under src/generated/ of the tree at `root` are to hold, by their names. */
export const MODULES = {
  wgsl: (root: string) => shaderModule(root, 'wgsl'),
  glsl: (root: string) => shaderModule(root, 'glsl'),
  wasm: wasmModule,
  wasm_matmul: wasmMatmulModule,
} as const;

/** The names of modules whose checked-in text differs from what kernels/ gives now. */
export function embedKernels(options: { check: boolean }): string[] {
  const stale: string[] = [];
  for (const [language, makeModule] of Object.entries(MODULES)) {
    const name = `${language}.ts`;
    const text = makeModule(root);
    const path = join(root, 'src', 'generated', name);
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    stale.push(name);
    if (options.check) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return stale;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes('--check');
  const stale = embedKernels({ check });
  for (const name of stale)
    console.log(`src/generated/${name} ${check ? 'is stale: run npm run embed' : 'written'}`);
  process.exitCode = check && stale.length > 0 ? 1 : 0;
}
