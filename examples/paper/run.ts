import type { NodeBackend } from '../../scripts/node_backends.ts';
import { loadMnist } from '../mnist.ts';
import { startTrainingBackend } from '../start_training_backend.ts';
import { Checkpoints } from './checkpoint.ts';
import { runExperiments } from './experiments.ts';
import { published } from './published.ts';
import { tune } from './tune.ts';

export interface RunOptions {
  backend: NodeBackend | 'fastest';
  /** Factor of the planned epochs. */
  scale: number;
  /** Trains the candidates for a teacher instead. */
  tune: boolean;
  /** Regular expression of the names of the networks to be trained. */
  jobs: string;
  /** Folder for the weights of networks in training. */
  checkpoints: string;
  /** Folder for the records of those trained. */
  results: string;
}

/** Trains what the plan has and the records lack. */
export async function run({ backend, tune: isTuning, ...options }: RunOptions): Promise<void> {
  const machine = await startTrainingBackend(backend);
  console.log(`backend ${machine.name} on ${machine.device}`);
  console.log(
    `The published run took ${published.duration} on ${published.device}, by backend '${published.backend}'.`,
  );
  const folder = `${options.checkpoints}-${options.scale}${isTuning ? '-tune' : ''}`;
  const experiment = { ...options, machine, mnist: loadMnist(), checkpoints: new Checkpoints(folder) };
  await (isTuning ? tune(experiment) : runExperiments(experiment));
}
