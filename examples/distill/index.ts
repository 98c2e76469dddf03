/** `npm run distill`: the command line of distill.ts, apart from it so that --help does not wait for tfjs. */
import { InvalidArgumentError, Option, program } from 'commander';
import { endOnInterrupt } from '../../scripts/interrupt.ts';
import { NODE_BACKENDS } from '../../scripts/node_backends.ts';
import type { Settings } from './distill.ts';

const wholeNumber = (low: number) => (text: string) => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= low) return value;
  throw new InvalidArgumentError(`expected a whole number of at least ${low}.`);
};

const numberWhere = (isRight: (value: number) => boolean, what: string) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && isRight(value)) return value;
  throw new InvalidArgumentError(`expected ${what}.`);
};

const units = (text: string) => text.split(',').map(wholeNumber(1));

program
  .name('npm run distill --')
  .description(
    'Distils MNIST into a small student and compares it with the same student trained on labels alone.',
  )
  .addOption(
    new Option('--backend <name>', 'where to compute: a GPU, TensorFlow, or the CPU')
      .choices(['fastest', ...NODE_BACKENDS])
      .default('fastest'),
  )
  .option('--teacher-units <sizes>', 'hidden layers of the teacher, separated by commas', units, [512, 512])
  .option('--student-units <sizes>', 'hidden layers of the student', units, [100])
  .option('--teacher-epochs <count>', 'passes of the teacher over the 60,000 images', wholeNumber(1), 6)
  .option('--epochs <count>', 'passes of each student', wholeNumber(1), 8)
  .option(
    '--temperature <T>',
    'softens both distributions',
    numberWhere((t) => t > 0 && t < Infinity, 'a number above 0'),
    4,
  )
  .option(
    '--alpha <weight>',
    'of the hard labels, in [0, 1]; the teacher has the rest',
    numberWhere((a) => a >= 0 && a <= 1, 'a number in [0, 1]'),
    0.5,
  )
  .option('--batch-size <images>', 'images to a step', wholeNumber(1), 128)
  .option(
    '--learning-rate <rate>',
    'at the start; it falls to 0',
    numberWhere((r) => r > 0 && r < Infinity, 'a number above 0'),
    0.1,
  )
  .option('--jitter <pixels>', "shift the teacher's images by up to this much", wholeNumber(0), 2)
  .option('--seed <number>', 'makes a run repeatable', wholeNumber(0), 1)
  .showHelpAfterError('(--help lists the options)')
  .parse();

endOnInterrupt();
const { distill } = await import('./distill.ts');
await distill(program.opts<Settings>());
process.exit(); // Dawn keeps a process alive
