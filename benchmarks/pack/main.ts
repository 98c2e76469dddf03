/** The command line of the archive: sessions are scripts that lie beside this one. */
import { join } from 'node:path';
import { runCommandLine } from '../command_line.ts';
import { PACKED_BACKENDS } from './contents.ts';

/** Put in by pack.ts. */
declare const PROVENANCE: { version: string; commit: string };

runCommandLine(
  {
    ...PROVENANCE,
    whyAbsent: ({ name }) => (PACKED_BACKENDS.includes(name) ? null : 'not in this archive'),
    bundle: async ({ name }) => join(__dirname, 'sessions', `${name}.cjs`),
  },
  process.argv,
).then((exitCode) => {
  process.exitCode = exitCode;
});
