/** `npm run demo`: serves the page of examples/demo, or with --build writes it as static files. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { build, createServer, preview } from 'vite';

const configFile = resolve(import.meta.dirname, '../examples/demo/vite.config.ts');

interface DemoOptions {
  build?: true;
  preview?: true;
  out?: string;
  port?: string;
  host?: true;
  open?: true;
}

const program = new Command('npm run demo --')
  .description('Serves a page that trains a teacher and a student in the browser.')
  .option('--build', 'write the page as static files and end')
  .option('--preview', 'serve the static files that --build wrote')
  .option('--out <folder>', 'of the static files (default: examples/demo/dist)')
  .option('--port <number>', 'to serve on (default: a free one from 5173 up)')
  .option('--host', 'let other devices in this network see the page; WebGPU needs https there')
  .option('--open', 'open the page in the browser')
  .parse();

const options = program.opts<DemoOptions>();
const output = options.out ? { build: { outDir: resolve(options.out), emptyOutDir: true } } : {};
const network = {
  ...(options.port && { port: Number(options.port), strictPort: true }),
  ...(options.host && { host: true }),
  ...(options.open && { open: true }),
};

if (options.build) {
  await build({ configFile, ...output });
} else if (options.preview) {
  const server = await preview({ configFile, ...output, preview: network });
  server.printUrls();
} else {
  const server = await createServer({ configFile, server: network });
  await server.listen();
  server.printUrls();
}
