/** Section 3 of arXiv 1503.02531, "Preliminary experiments on MNIST", run again: `npm run paper`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { NODE_BACKENDS, startBackend } from '../../scripts/start_backend.ts';
import { loadMnist, type Mnist } from '../mnist.ts';
import { indicesOf } from './batches.ts';
import { svgOf } from './chart.ts';
import { Checkpoints } from './checkpoint.ts';
import { bestShift, countErrors } from './errors.ts';
import type { Measured, TemperaturePoint } from './figures.ts';
import { costOfEpochs, type Job, planJobs } from './plan.ts';
import { Progress } from './progress.ts';
import { markdown, type Result, table } from './report.ts';
import { logitsOf, train } from './train.ts';

const {
  backend,
  scale,
  checkpoints: checkpointFolder,
  results,
} = new Command('paper')
  .description(
    'Trains what section 3 of arXiv 1503.02531 trains on MNIST, and prints the figures of the paper beside ours. Stop it at any time: it goes on from its checkpoints.',
  )
  .addOption(
    new Option('--backend <name>', 'of tfjs').choices(['fastest', ...NODE_BACKENDS]).default('fastest'),
  )
  .option('--scale <factor>', 'of the number of epochs', Number, 1)
  .option('--checkpoints <folder>', 'where weights are kept; remove it to begin anew', '.cache/paper')
  .option(
    '--results <folder>',
    'where paper.json, paper.md and paper.svg are written',
    'examples/paper/results',
  )
  .parse()
  .opts<{
    backend: (typeof NODE_BACKENDS)[number] | 'fastest';
    scale: number;
    checkpoints: string;
    results: string;
  }>();

const started = await startBackend(backend);
console.log(`backend ${started.name} on ${started.device}`);
const mnist = loadMnist();
const checkpoints = new Checkpoints(`${checkpointFolder}-${scale}`);
const jobs = planJobs(scale);
process.on('SIGINT', () => {
  console.log(`\nStopped. The same command goes on from ${checkpointFolder}-${scale}.`);
  process.exit(130);
});
await run();

async function run(): Promise<void> {
  const costOf = (job: Job, epochs: number) =>
    costOfEpochs(job, epochs, indicesOf(mnist.train, job.digits).length);
  const done = new Map(jobs.map((job) => [job.name, checkpoints.read(job.name)?.epochs ?? 0]));
  const progress = new Progress(
    jobs.reduce((sum, job) => sum + costOf(job, job.epochs), 0),
    jobs.reduce((sum, job) => sum + costOf(job, done.get(job.name) ?? 0), 0),
  );
  const result: Result = {
    backend: started.name,
    device: started.device,
    date: today(),
    scale,
    jobs: [],
    measured: { temperatures: [] },
  };
  let teacherLogits: Float32Array | null = null;
  for (const job of jobs) {
    const model = await train(job, mnist, teacherLogits, checkpoints, progress);
    const testLogits = await logitsOf(model, mnist.test);
    if (job.name === 'teacher') teacherLogits = await logitsOf(model, mnist.train);
    record(result.measured, job, testLogits, mnist);
    const { epochs, seconds } = checkpoints.read(job.name) ?? { epochs: 0, seconds: 0 };
    result.jobs.push({ name: job.name, epochs, seconds: Math.round(seconds) });
    model.dispose();
    await write(result);
    progress.say(`${job.title}: ${countErrors(testLogits, mnist.test).errors} test errors`);
  }
  progress.stop();
  console.log(table(result));
  console.log(`Written to ${results}/paper.json, paper.md and paper.svg.`);
}

/** What a trained network adds to the figures. */
function record(measured: Measured, job: Job, logits: Float32Array, { test }: Mnist): void {
  const asTrained = countErrors(logits, test);
  const shifted = (digits: number[]) => {
    const { by, ...errors } = bestShift(logits, test, digits);
    return { ...asTrained, biasShift: by, shifted: errors };
  };
  switch (job.name) {
    case 'teacherBegun':
      return;
    case 'teacher':
    case 'hardStudent':
    case 'softStudent':
      measured[job.name] = { errors: asTrained.errors };
      return;
    case 'without3':
      measured.without3 = shifted([3]);
      return;
    case 'only7And8':
      measured.only7And8 = shifted([7, 8]);
      return;
    default: {
      if (job.targets.kind !== 'teacher') throw new Error(`record: unknown job ${job.name}.`);
      const { temperature } = job.targets;
      const units = job.units as TemperaturePoint['units'];
      measured.temperatures.push({ units, temperature, seed: job.seed, errors: asTrained.errors });
    }
  }
}

async function write(result: Result): Promise<void> {
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 'paper.json'), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(results, 'paper.md'), `${markdown(result)}\n`);
  writeFileSync(join(results, 'paper.svg'), await svgOf(result.measured));
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
