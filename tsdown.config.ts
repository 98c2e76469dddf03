/** What `npm run build` makes of src/: ESM and CommonJS with types and source maps for npm, and one minified file for a script tag. */
import { defineConfig, type UserConfig } from 'tsdown';
import { ENTRIES } from './scripts/entries.ts';
import { minifyShaderModule } from './scripts/minify_shaders.ts';

const minifyShaders = {
  name: 'minify shaders',
  transform(code: string, id: string) {
    const language = /\/generated\/(wgsl|glsl)\.ts$/.exec(id)?.[1];
    if (language !== 'wgsl' && language !== 'glsl') return null;
    return { code: minifyShaderModule(code, language), map: null };
  },
};

/** Of a type literal the declarations get each member's comment behind the member before it, where editors do not look: back onto a line of its own. */
const commentsAboveMembers = {
  name: 'comments above members',
  generateBundle(_options: unknown, bundle: Record<string, { type: string; code?: string }>) {
    for (const [file, chunk] of Object.entries(bundle)) {
      if (!/\.d\.c?ts$/.test(file) || chunk.code === undefined) continue;
      chunk.code = chunk.code.replace(/; (\/\*\* .* \*\/)\n( *)/g, ';\n$2$1\n$2');
    }
  },
};

const common = {
  target: 'es2022',
  sourcemap: true,
  checks: { pluginTimings: false },
  plugins: [minifyShaders],
} satisfies UserConfig;

/** What entries of backends share beside the core stands in one file with it: Node takes half a millisecond to import each file. */
const SHARED = { name: 'shared', test: /\/src\/backends\/(composed\/)?\w+\.ts$/ };

/** A script for a tag. It uses the page's global `tf`, so tfjs (or tfjs-core with a backend) must be loaded before it. */
const script = (name: string, source: string): UserConfig => ({
  ...common,
  entry: { [name]: source },
  format: 'iife',
  globalName: 'tfjsDistill',
  outputOptions: {
    globals: { '@tensorflow/tfjs-core': 'tf', '@tensorflow/tfjs-layers': 'tf' },
    entryFileNames: '[name].min.js',
  },
  platform: 'browser',
  minify: true,
  clean: false,
});

export default defineConfig([
  {
    ...common,
    entry: { ...ENTRIES },
    format: ['esm', 'cjs'],
    platform: 'neutral',
    dts: true,
    clean: true,
    outputOptions: { codeSplitting: { groups: [SHARED] }, plugins: [commentsAboveMembers] },
  },
  script('tfjs-distill', 'src/index.ts'),
  script('tfjs-distill-layers', 'src/script_with_layers.ts'),
]);
