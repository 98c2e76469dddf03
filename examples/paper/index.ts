/** Section 3 of arXiv 1503.02531, "Preliminary experiments on MNIST", run again: `npm run paper`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { NODE_BACKENDS, startBackend } from '../../scripts/start_backend.ts';
import { loadMnist } from '../mnist.ts';
import { holdOut, indicesOf } from './batches.ts';
import { svgOf } from './chart.ts';
import { Checkpoints } from './checkpoint.ts';
import { countErrors } from './errors.ts';
import { measure, type Trained } from './measure.ts';
import { costOfEpochs, HELD_OUT, type Job, planJobs } from './plan.ts';
import { Progress } from './progress.ts';
import { markdown, type Result, table } from './report.ts';
import { logitsOf, train } from './train.ts';

const options = new Command('npm run paper --')
  .description(
    'Repeats the MNIST experiments of section 3 of arXiv 1503.02531, and prints the figures of the paper beside ours. It can be stopped at any time, and then continues from its checkpoints.',
  )
  .addOption(
    new Option('--backend <name>', 'trains on this backend of tfjs')
      .choices(['fastest', ...NODE_BACKENDS])
      .default('fastest'),
  )
  .option('--scale <factor>', 'multiplies the number of epochs', Number, 1)
  .option(
    '--tune',
    `for choosing the plan: trains without the last ${HELD_OUT} training images, counts errors among them, and leaves the test images alone`,
    false,
  )
  .option('--jobs <pattern>', 'regular expression: trains only the networks whose names match', '')
  .option('--checkpoints <folder>', 'where weights are kept; remove it to start afresh', '.cache/paper')
  .option(
    '--results <folder>',
    'where paper.json, paper.md and paper.svg are written',
    'examples/paper/results',
  )
  .parse()
  .opts<{
    backend: (typeof NODE_BACKENDS)[number] | 'fastest';
    scale: number;
    tune: boolean;
    jobs: string;
    checkpoints: string;
    results: string;
  }>();

const started = await startBackend(options.backend);
console.log(`backend ${started.name} on ${started.device}`);
const mnist = loadMnist();
const { kept, heldOut } = holdOut(mnist.train);
const examples = options.tune ? kept : mnist.train;
const folder = `${options.checkpoints}-${options.scale}${options.tune ? '-tune' : ''}`;
const checkpoints = new Checkpoints(folder);
const pattern = new RegExp(options.jobs);
const jobs = planJobs(options.scale)
  .filter(({ name }) => pattern.test(name))
  .map((job) => (options.tune ? { ...job, holdsOut: false } : job)); // which examples lack already
process.on('SIGINT', () => {
  console.log(`\nStopped. The same command goes on from ${folder}.`);
  process.exit(130);
});
const trained = await trainAll();
if (options.jobs === '' && !options.tune) await report(trained);
else
  console.log(
    'The test images are left alone; without --jobs and --tune everything is trained and measured.',
  );

/** The test images are not looked at before everything is trained. */
async function trainAll(): Promise<Trained[]> {
  const progress = startProgress();
  let teacherLogits: Float32Array | null = null;
  const trained: Trained[] = [];
  for (const job of jobs) {
    const model = await train(job, examples, teacherLogits, checkpoints, progress);
    if (job.role === 'teacher') teacherLogits = await logitsOf(model, examples);
    const heldOutLogits = await logitsOf(model, heldOut);
    if (options.tune) {
      progress.say(`${job.title}: ${countErrors(heldOutLogits, heldOut).errors} held-out errors`);
    }
    trained.push({ job, model, heldOutLogits });
  }
  progress.stop();
  return trained;
}

async function report(trained: readonly Trained[]): Promise<void> {
  const result: Result = {
    backend: started.name,
    device: started.device,
    date: new Date().toISOString().slice(0, 10),
    scale: options.scale,
    jobs: trained.map(({ job: { name } }) => {
      const { epochs, seconds } = checkpoints.read(name) ?? { epochs: 0, seconds: 0 };
      return { name, epochs, seconds: Math.round(seconds) };
    }),
    measured: await measure(trained, mnist.test, heldOut),
  };
  mkdirSync(options.results, { recursive: true });
  writeFileSync(join(options.results, 'paper.json'), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(options.results, 'paper.md'), `${markdown(result)}\n`);
  writeFileSync(join(options.results, 'paper.svg'), await svgOf(result.measured));
  console.log(table(result));
  console.log(`Written to ${options.results}/paper.json, paper.md and paper.svg.`);
}

function startProgress(): Progress {
  const costOf = (job: Job, epochs: number) => costOfEpochs(job, epochs, indicesOf(examples, job).length);
  return new Progress(
    jobs.reduce((sum, job) => sum + costOf(job, job.epochs), 0),
    jobs.reduce((sum, job) => sum + costOf(job, checkpoints.read(job.name)?.epochs ?? 0), 0),
  );
}
