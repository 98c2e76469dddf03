/** The run whose figures README.md shows. */
import { join } from 'node:path';
import { Records, type TestedRecord } from './records.ts';

const FOLDER = 'examples/paper/results';

const networks = new Records<TestedRecord>(join(FOLDER, 'paper.json')).all;
const minutes = Math.round(networks.reduce((sum, { seconds }) => sum + seconds, 0) / 60);
const namesOf = (key: 'backend' | 'device') =>
  [...new Set(networks.map((network) => network[key]))].join(', ');

/** Where it lies, and how long its training took, on what. */
export const published = {
  folder: FOLDER,
  backend: namesOf('backend'),
  device: namesOf('device'),
  duration: minutes < 90 ? `${minutes} minutes` : `${(minutes / 60).toFixed(1)} hours`,
};
