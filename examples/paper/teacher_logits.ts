/**
 * A teacher's logits for the training images in a file small enough to be committed: students need nothing
 * else of it.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

/**
 * To one, in 16 bits. At T = 20 no probability changes by more than a thousandth of itself, and 60,000 images
 * take less than a megabyte.
 */
const STEPS = 64;

export interface TeacherLogits {
  /** The same for the same logits. */
  id: string;
  /** As they were written, image by image. */
  logits: Float32Array;
}

/** Returns them as they will be read. */
export function writeTeacherLogits(path: string, logits: Float32Array): TeacherLogits {
  const steps = Int16Array.from(logits, (logit) => Math.round(logit * STEPS));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, gzipSync(Buffer.from(steps.buffer), { level: 9 }));
  return decode(steps);
}

export function readTeacherLogits(path: string): TeacherLogits | null {
  if (!existsSync(path)) return null;
  const bytes = gunzipSync(readFileSync(path));
  return decode(new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));
}

function decode(steps: Int16Array): TeacherLogits {
  const hash = createHash('sha256').update(Buffer.from(steps.buffer, steps.byteOffset, steps.byteLength));
  return { id: hash.digest('hex').slice(0, 12), logits: Float32Array.from(steps, (step) => step / STEPS) };
}
