import { resolve } from 'node:path';
import { defineConfig } from 'vite';
import { mnist } from './vite_mnist.ts';

const root = import.meta.dirname;
const repository = resolve(root, '../..');

export default defineConfig({
  root,
  base: './',
  cacheDir: resolve(repository, '.cache/vite'),
  plugins: [mnist()],
  // All of them from the start: found one after another they would make the first page reload.
  optimizeDeps: {
    include: [
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-core/dist/register_all_gradients',
      ...['webgpu', 'webgl', 'wasm', 'cpu'].map((backend) => `@tensorflow/tfjs-backend-${backend}`),
      'uplot',
    ],
  },
  build: {
    outDir: resolve(root, 'dist'),
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 1500,
  },
});
