/** What `npm run size` holds dist/ to: minified by esbuild, gzipped, without the peers. */
import { readFile } from 'node:fs/promises';

/** The SIMD kernel stands in the bundle as base64; scripts/size.ts weighs it as the binary that it is. */
const WASM = /"AGFzbQ[\w+/=]*"/g;
/** Shaders stand in it as long lines. */
const SHADER = /"[^"\n]{300,}"/g;

const bundles = { path: 'dist/index.js', import: '*', gzip: true };
const layers = { path: 'dist/layers.js', import: '*', gzip: true };

export default [
  { ...bundles, name: 'all of it', limit: '48 kB' },
  { ...bundles, name: 'apart from the wasm', limit: '41 kB', modifyEsbuildConfig: without(WASM) },
  {
    ...bundles,
    name: 'apart from the wasm and the shaders',
    limit: '24 kB',
    modifyEsbuildConfig: without(WASM, SHADER),
  },
  {
    ...layers,
    name: 'tfjs-distill/layers, apart from the wasm',
    limit: '47 kB',
    modifyEsbuildConfig: without(WASM),
  },
];

/** Leaves out string literals of dist/. */
function without(...literals) {
  const plugin = {
    name: 'leave out',
    setup(build) {
      build.onLoad({ filter: /\bdist\b.*\.js$/ }, async ({ path }) => {
        const code = await readFile(path, 'utf8');
        return { contents: literals.reduce((rest, literal) => rest.replace(literal, '""'), code) };
      });
    },
  };
  return (config) => ({ ...config, plugins: [...(config.plugins ?? []), plugin] });
}
