/** Loads the part of MNIST that lies beside the page: see vite_mnist.ts. */
import { DIGITS, decodeIdx, IMAGE_SIDE, IMAGE_SIZE } from '../idx.ts';

/** Images as bytes, a quarter of the memory that floats take: phones have little. */
export interface ByteExamples {
  count: number;
  /** count * IMAGE_SIZE grey levels, 0 to 255. */
  images: Uint8Array;
  /** count digits. */
  labels: Uint8Array;
}

export interface ByteMnist {
  train: ByteExamples;
  test: ByteExamples;
}

/** @param onProgress called with the share that has come, 0 to 1. */
export async function loadMnistInBrowser(onProgress: (share: number) => void): Promise<ByteMnist> {
  const downloads = [
    'train-images-idx3-ubyte',
    'train-labels-idx1-ubyte',
    't10k-images-idx3-ubyte',
    't10k-labels-idx1-ubyte',
  ].map((name) => new Download(name));
  const report = () => {
    const sum = (of: 'received' | 'total') => downloads.reduce((all, download) => all + download[of], 0);
    onProgress(sum('received') / Math.max(sum('total'), 1));
  };
  const files = await Promise.all(downloads.map((download) => download.bytes(report)));
  const examples = (images: Uint8Array, labels: Uint8Array): ByteExamples => {
    const { values, shape } = decodeIdx(images, [IMAGE_SIDE, IMAGE_SIDE]);
    return { count: shape[0], images: values, labels: decodeIdx(labels, []).values };
  };
  return { train: examples(files[0], files[1]), test: examples(files[2], files[3]) };
}

class Download {
  received = 0;
  total = 0;

  constructor(private readonly name: string) {}

  async bytes(onProgress: () => void): Promise<Uint8Array> {
    const response = await fetch(new URL(`mnist/${this.name}.bin`, document.baseURI));
    if (!response.ok || response.body === null) {
      throw new Error(`The digits could not be loaded: ${this.name}.bin answered ${response.status}.`);
    }
    this.total = Number(response.headers.get('content-length') ?? 0);
    const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (chunk, controller) => {
        this.received += chunk.length;
        onProgress();
        controller.enqueue(chunk);
      },
    });
    const unpacked = response.body.pipeThrough(counter).pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(unpacked).arrayBuffer());
  }
}

/** Rows of images as a network takes them: grey levels in [0, 1]. */
export function greyLevels({ images }: ByteExamples, indices: ArrayLike<number>): Float32Array {
  const values = new Float32Array(indices.length * IMAGE_SIZE);
  for (let row = 0; row < indices.length; row++) {
    const start = indices[row] * IMAGE_SIZE;
    for (let i = 0; i < IMAGE_SIZE; i++) values[row * IMAGE_SIZE + i] = images[start + i] / 255;
  }
  return values;
}

export { DIGITS, IMAGE_SIDE, IMAGE_SIZE };
