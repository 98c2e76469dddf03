/**
 * `npm run bench`: times the loss on every backend that the machine has, each in a process or page of its
 * own. See README.md here.
 */
import { join, resolve } from 'node:path';
import { isPage } from '../test/backends/projects.ts';
import { runCommandLine } from './command_line.ts';
import { provenance } from './provenance.ts';
import { SESSION_ENTRY } from './session_entry.ts';

const root = resolve('.');

process.exitCode = await runCommandLine(
  {
    ...provenance(root),
    whyAbsent: () => null,
    bundle: async (project) => {
      const { bundleForBackend } = await import('../scripts/bundle_for_backend.ts');
      const extension = isPage(project) ? '.js' : '.cjs';
      const outfile = join(root, '.cache', 'bench', project.name + extension);
      await bundleForBackend(root, project, SESSION_ENTRY, outfile);
      return outfile;
    },
  },
  process.argv,
);
