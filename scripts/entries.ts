/**
 * The entries of the package, each with the file that it starts at; `layers/core` becomes
 * dist/layers_core.js. package.json has the same under `exports` and `typesVersions`, which a test compares.
 */
export const ENTRIES = {
  index: 'src/index.ts',
  core: 'src/core.ts',
  webgpu: 'src/backends/webgpu/register.ts',
  webgl: 'src/backends/webgl/register.ts',
  wasm: 'src/backends/wasm/register.ts',
  wasm_training: 'src/wasm_training/index.ts',
  cpu: 'src/backends/cpu/register.ts',
  node: 'src/backends/node/register.ts',
  layers: 'src/layers/index.ts',
  layers_core: 'src/layers/core.ts',
} as const;

/** What a user imports: `tfjs-distill/layers/core` for `layers_core`. */
export function specifierOf(entry: keyof typeof ENTRIES): string {
  return entry === 'index' ? 'tfjs-distill' : `tfjs-distill/${entry.replace('_', '/')}`;
}
