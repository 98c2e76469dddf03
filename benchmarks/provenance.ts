import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is timed: the package's version and the commit, with `+` if the sources differ from it. */
export function provenance(root: string): { version: string; commit: string } {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const changes = git(
    'status',
    '--porcelain',
    '--',
    'src',
    'kernels',
    'benchmarks/*.ts',
    'benchmarks/devices',
  );
  return { version, commit: git('rev-parse', '--short', 'HEAD') + (changes === '' ? '' : '+') };
}
