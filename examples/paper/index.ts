/** Section 3 of arXiv 1503.02531, "Preliminary experiments on MNIST", run again: `npm run paper`. */
import { Command, Option } from 'commander';
import { endOnInterrupt } from '../../scripts/interrupt.ts';
import { NODE_BACKENDS } from '../../scripts/node_backends.ts';
import { HELD_OUT } from './plan.ts';
import { published } from './published.ts';
import type { RunOptions } from './run.ts';

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
    `for choosing the teacher: trains candidates without the last ${HELD_OUT} training images, counts errors among these, and leaves the test images alone`,
    false,
  )
  .option('--jobs <pattern>', 'regular expression: trains only the networks whose names match', '')
  .option('--checkpoints <folder>', 'where the weights of networks in training are kept', '.cache/paper')
  .option(
    '--results <folder>',
    `where paper.json, paper.md and paper.svg are written; a network that has its record there is not trained again. The published ones are in ${published.folder}`,
    '.cache/paper-results',
  )
  .parse()
  .opts<RunOptions>();

endOnInterrupt(() => console.log('\nStopped. The same command goes on from here.'));
// Loaded after the command line is read, so that --help does not wait for tfjs.
const { run } = await import('./run.ts');
await run(options);
