/** What `npm run build` makes of src/: ESM and CommonJS with types and source maps for npm, and one minified file for a script tag. */
import { existsSync } from 'node:fs';
import { defineConfig, type UserConfig } from 'tsdown';
import { minifyShaderModule } from './scripts/minify_shaders.ts';

/** One bundle per entry of `exports` in package.json. */
const entry = {
  index: 'src/index.ts',
  ...(existsSync('src/layers/index.ts') && { layers: 'src/layers/index.ts' }),
};

const minifyShaders = {
  name: 'minify shaders',
  transform(code: string, id: string) {
    const language = /\/generated\/(wgsl|glsl)\.ts$/.exec(id)?.[1];
    if (language !== 'wgsl' && language !== 'glsl') return null;
    return { code: minifyShaderModule(code, language), map: null };
  },
};

const common = {
  target: 'es2022',
  sourcemap: true,
  checks: { pluginTimings: false },
  plugins: [minifyShaders],
} satisfies UserConfig;

export default defineConfig([
  {
    ...common,
    entry,
    format: ['esm', 'cjs'],
    platform: 'neutral',
    dts: true,
    clean: true,
  },
  {
    // Uses the page's global `tf`, so tfjs (or tfjs-core with a backend) must be loaded before it.
    ...common,
    entry: { 'tfjs-distill': 'src/index.ts' },
    format: 'iife',
    globalName: 'tfjsDistill',
    outputOptions: { globals: { '@tensorflow/tfjs-core': 'tf' }, entryFileNames: '[name].min.js' },
    platform: 'browser',
    minify: true,
    clean: false,
  },
]);
