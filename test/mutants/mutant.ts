import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One fault, planted alone: a suite that passes with it has a test missing. */
export interface Mutant {
  /** What is wrong, as a sentence would say it. */
  name: string;
  /** From the root of the repository. */
  file: string;
  /** Occurs exactly once in the file. */
  find: string;
  replace: string;
  /** The part of a suite that must notice. */
  killedBy: Suite;
}

/** Cases of one suite on one project. */
export interface Suite {
  /** From the root of the repository. */
  path: string;
  project: string;
  /** What the titles of a case match, as for jest's -t; empty for every case. */
  cases: string;
}

/** Faults of one file, all to be noticed by the same suite unless they say otherwise. */
export function mutants(
  file: string,
  killedBy: Suite,
  faults: readonly (Omit<Mutant, 'file' | 'killedBy'> & { killedBy?: Suite })[],
): Mutant[] {
  return faults.map((fault) => ({ file, killedBy, ...fault }));
}

export const suite = (path: string, project: string, cases = ''): Suite => ({ path, project, cases });

export const titleOf = ({ file, name }: Pick<Mutant, 'file' | 'name'>) => `${file}: ${name}`;

/**
 * Those whose `find` does not occur exactly once in their file: they would plant nothing, or no single fault.
 */
export function staleAmong(planned: readonly Mutant[], root: string): Mutant[] {
  return planned.filter(({ file, find }) => readFileSync(join(root, file), 'utf8').split(find).length !== 2);
}
