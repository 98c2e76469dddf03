/**
 * A file per training job, replaced after every epoch, so that a run can be stopped at any time and goes on
 * where it was.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import type { Job } from './plan.ts';
import { settingsOf } from './records.ts';

/** What a file begins with, as JSON after its length. */
interface Header {
  settings: unknown;
  epochs: number;
  seconds: number;
  shapes: { name: string; shape: number[] }[];
}

export interface Checkpoint {
  /** Epochs done. */
  epochs: number;
  /** That they took. */
  seconds: number;
  tensors: SavedTensor[];
}

export interface SavedTensor {
  name: string;
  shape: number[];
  values: Float32Array;
}

export class Checkpoints {
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  /** Null if there is none, or if the plan has changed since: then the training starts afresh. */
  read(job: Job): Checkpoint | null {
    const path = this.path(job);
    if (!existsSync(path)) return null;
    const bytes = readFileSync(path);
    const length = bytes.readUInt32LE(0);
    const { settings, epochs, seconds, shapes }: Header = JSON.parse(bytes.toString('utf8', 4, 4 + length));
    if (!isDeepStrictEqual(settings, settingsOf(job))) return null;
    const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset + 4 + length));
    let offset = 0;
    const tensors = shapes.map(({ name, shape }) => {
      const size = tf.util.sizeFromShape(shape);
      offset += size;
      return { name, shape, values: values.subarray(offset - size, offset) };
    });
    return { epochs, seconds, tensors };
  }

  write(job: Job, { epochs, seconds, tensors }: Checkpoint): void {
    const header: Header = {
      settings: settingsOf(job),
      epochs,
      seconds,
      shapes: tensors.map(({ name, shape }) => ({ name, shape })),
    };
    const text = JSON.stringify(header);
    const json = Buffer.from(text.padEnd(Math.ceil(text.length / 4) * 4));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    const path = this.path(job);
    const parts = tensors.map(({ values }) =>
      Buffer.from(values.buffer, values.byteOffset, values.byteLength),
    );
    writeFileSync(`${path}.new`, Buffer.concat([length, json, ...parts]));
    renameSync(`${path}.new`, path);
  }

  /** Of a job that has ended, and whose record is kept. */
  remove(job: Job): void {
    rmSync(this.path(job), { force: true });
  }

  private path({ name }: Job): string {
    return join(this.folder, `${name}.bin`);
  }
}

const OF_OPTIMIZER = 'optimizer/';

/** Weights of a model and of its optimizer. */
export async function stateOf(model: tf.LayersModel, optimizer: tf.Optimizer): Promise<SavedTensor[]> {
  const weights = model.getWeights().map((tensor, k) => ({ name: `weight${k}`, tensor }));
  const slots = (await optimizer.getWeights()).map(({ name, tensor }) => ({
    name: `${OF_OPTIMIZER}${name}`,
    tensor,
  }));
  return Promise.all(
    [...weights, ...slots].map(async ({ name, tensor }) => ({
      name,
      shape: tensor.shape,
      values: Float32Array.from(await tensor.data()),
    })),
  );
}

export async function restore(
  checkpoint: Checkpoint,
  model: tf.LayersModel,
  optimizer: tf.Optimizer,
): Promise<void> {
  tf.tidy(() => {
    const weights = checkpoint.tensors.filter(({ name }) => !name.startsWith(OF_OPTIMIZER));
    model.setWeights(weights.map(({ values, shape }) => tf.tensor(values, shape)));
  });
  const slots = checkpoint.tensors
    .filter(({ name }) => name.startsWith(OF_OPTIMIZER))
    .map(({ name, values, shape }) => ({
      name: name.slice(OF_OPTIMIZER.length),
      tensor: tf.tensor(values, shape),
    }));
  await optimizer.setWeights(slots);
  for (const { tensor } of slots) tensor.dispose();
}
