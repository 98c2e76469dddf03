/** The run whose figures README.md shows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from './report.ts';

const FOLDER = 'examples/paper/results';

const { backend, device, jobs } = JSON.parse(readFileSync(join(FOLDER, 'paper.json'), 'utf8')) as Result;
const minutes = Math.round(jobs.reduce((sum, { seconds }) => sum + seconds, 0) / 60);

/** Where it lies, and how long its training took, on what. */
export const published = {
  folder: FOLDER,
  backend,
  device,
  duration: minutes < 90 ? `${minutes} minutes` : `${(minutes / 60).toFixed(1)} hours`,
};
