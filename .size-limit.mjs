/** What `npm run size` holds the entries of dist/ to: all that a page gets that imports them, minified by esbuild, gzipped, without the peers. */
import { readFile } from 'node:fs/promises';

/** The SIMD kernel stands in the bundle as base64; scripts/size.ts weighs it as the binary that it is. */
const WASM = /"[\w+/=]{2000,}"/g;

export default [
  page('21 kB', ['core']),
  page('35 kB', ['core', 'webgpu']),
  page('35 kB', ['core', 'webgl']),
  page('45.5 kB', ['core', 'wasm']),
  page('43 kB', ['core', 'cpu']),
  page('46 kB', ['core', 'node']),
  page('38.5 kB', ['layers/core']),
  page('79 kB', ['index']),
  { ...page('63 kB', ['index']), ...apartFromWasm(['index']) },
  { ...page('79.5 kB', ['layers']), ...apartFromWasm(['layers']) },
];

function page(limit, entries) {
  const files = entries.map((entry) => `dist/${entry.replace('/', '_')}.js`);
  return {
    name: nameOf(entries),
    path: files,
    // Entries of backends export nothing.
    import: Object.fromEntries(files.map((file, i) => [file, i === 0 ? '*' : '{}'])),
    gzip: true,
    limit,
  };
}

function nameOf(entries) {
  return entries.map((entry) => (entry === 'index' ? 'tfjs-distill' : `tfjs-distill/${entry}`)).join(' + ');
}

function apartFromWasm(entries) {
  const plugin = {
    name: 'apart from the wasm',
    setup(build) {
      build.onLoad({ filter: /\bdist\b.*\.js$/ }, async ({ path }) => {
        return { contents: (await readFile(path, 'utf8')).replace(WASM, '""') };
      });
    },
  };
  return {
    name: `${nameOf(entries)}, apart from the wasm`,
    modifyEsbuildConfig: (config) => ({ ...config, plugins: [...(config.plugins ?? []), plugin] }),
  };
}
