/**
 * Turns the shader files of kernels/ into checked-in modules of strings under src/generated/, so that the package needs no loader and no fetch.
 * Comments and indentation are left out. `--check` writes nothing and fails if a module is stale.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
function shaderModule(language: 'wgsl' | 'glsl'): string {
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

/** The names of modules whose checked-in text differs from what kernels/ gives now. */
export function embedKernels(options: { check: boolean }): string[] {
  const modules: [string, string][] = [
    ['wgsl.ts', shaderModule('wgsl')],
    ['glsl.ts', shaderModule('glsl')],
  ];
  const stale: string[] = [];
  for (const [name, text] of modules) {
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
