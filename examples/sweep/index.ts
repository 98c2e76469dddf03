/** `npm run sweep`: the command line of sweep.ts, apart from it so that --help does not wait for tfjs. */
import { Option, program } from 'commander';
import { endOnInterrupt } from '../../scripts/interrupt.ts';
import { NODE_BACKENDS, type NodeBackend } from '../../scripts/node_backends.ts';

program
  .name('npm run sweep --')
  .description('Measures the test errors of a student over temperature and alpha.')
  .addOption(
    new Option('--backend <name>', 'where to compute: a GPU, TensorFlow, or the CPU')
      .choices(['fastest', ...NODE_BACKENDS])
      .default('fastest'),
  )
  .parse();

endOnInterrupt();
const { sweepGrid } = await import('./sweep.ts');
await sweepGrid(program.opts<{ backend: NodeBackend | 'fastest' }>().backend);
process.exit(); // Dawn keeps a process alive
