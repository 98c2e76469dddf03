import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BACKEND_PROJECTS } from '../backends/projects.ts';
import { MUTANTS } from '../mutants/index.ts';
import { staleAmong, titleOf } from '../mutants/mutant.ts';

const ROOT = join(__dirname, '..', '..');

describe('the planted faults', () => {
  it('replace what occurs exactly once in their files', () => {
    expect(staleAmong(MUTANTS, ROOT).map(titleOf)).toEqual([]);
  });

  it('are looked for where they are not', () => {
    const [mutant] = MUTANTS;
    const gone = { ...mutant, find: 'what no file of ours holds' };
    const twice = { ...mutant, find: ';' };
    expect(staleAmong([mutant, gone, twice], ROOT)).toEqual([gone, twice]);
  });

  it('change something, and have each a name of their own', () => {
    expect(MUTANTS.filter(({ find, replace }) => find === replace)).toEqual([]);
    expect(new Set(MUTANTS.map(titleOf)).size).toBe(MUTANTS.length);
  });

  it('name suites and projects that there are', () => {
    const projects = ['unit', 'docs', 'package', 'demo', ...BACKEND_PROJECTS.map(({ name }) => name)];
    for (const { killedBy } of MUTANTS) {
      expect(existsSync(join(ROOT, killedBy.path))).toBe(true);
      expect(projects).toContain(killedBy.project);
      expect(() => new RegExp(killedBy.cases)).not.toThrow();
    }
  });
});
