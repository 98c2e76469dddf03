/** Section 3 of arXiv 1503.02531, "Preliminary experiments on MNIST", run again: `npm run paper`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { endOnInterrupt } from '../../scripts/interrupt.ts';
import { NODE_BACKENDS } from '../../scripts/node_backends.ts';
import type { Trained } from './measure.ts';
import { costOfEpochs, HELD_OUT, type Job, planJobs } from './plan.ts';
import type { Progress } from './progress.ts';
import { published } from './published.ts';
import type { Result } from './report.ts';

const options = new Command('npm run paper --')
  .description(
    'Repeats the MNIST experiments of section 3 of arXiv 1503.02531, and prints the figures of the paper beside ours. ' +
      `The published run took ${published.duration} on ${published.device}, by backend '${published.backend}'. ` +
      'It can be stopped at any time, and then continues from its checkpoints.',
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
    `where paper.json, paper.md and paper.svg are written; the published ones are in ${published.folder}`,
    '.cache/paper-results',
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

// Loaded after the command line is read, so that --help does not wait for tfjs.
const { startBackend } = await import('../../scripts/start_backend.ts');
const { loadMnist } = await import('../mnist.ts');
const { holdOut, indicesOf } = await import('./batches.ts');
const { Checkpoints } = await import('./checkpoint.ts');
const { countErrors } = await import('./errors.ts');
const progressBar = await import('./progress.ts');
const { logitsOf, train } = await import('./train.ts');

const started = await startBackend(options.backend);
console.log(`backend ${started.name} on ${started.device}`);
console.log(
  `The published run took ${published.duration} on ${published.device}, by backend '${published.backend}'.`,
);
const mnist = loadMnist();
const { kept, heldOut } = holdOut(mnist.train);
const examples = options.tune ? kept : mnist.train;
const folder = `${options.checkpoints}-${options.scale}${options.tune ? '-tune' : ''}`;
const checkpoints = new Checkpoints(folder);
const pattern = new RegExp(options.jobs);
const jobs = planJobs(options.scale)
  .filter(({ name }) => pattern.test(name))
  .map((job) => (options.tune ? { ...job, holdsOut: false } : job)); // which examples lack already
endOnInterrupt(() => console.log(`\nStopped. The same command goes on from ${folder}.`));
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
  const { measure } = await import('./measure.ts');
  const { markdown, table } = await import('./report.ts');
  const { svgOf } = await import('./chart.ts');
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
  return new progressBar.Progress(
    jobs.reduce((sum, job) => sum + costOf(job, job.epochs), 0),
    jobs.reduce((sum, job) => sum + costOf(job, checkpoints.read(job.name)?.epochs ?? 0), 0),
  );
}
