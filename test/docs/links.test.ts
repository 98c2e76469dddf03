import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { runScript } from '../package/run_program.ts';

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

describe('links', () => {
  for (const page of pages) {
    it(`${page} names files that are there`, () => {
      const targets = [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(
        ([, to]) => to,
      );
      const missing = targets
        .filter((to) => !/^[a-z]+:/.test(to))
        .filter((to) => !existsSync(join(dirname(page), to)));
      expect(missing).toEqual([]);
    });
  }
});

it('docs/api is what the docstrings give now, without a warning (npm run docs writes it)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tfjs-distill-docs-'));
  try {
    runScript([resolve('node_modules/typedoc/bin/typedoc'), '--out', folder]);
    const filesOf = (root: string) =>
      readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.md'))
        .sort()
        .map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }));
    expect(filesOf(join('docs', 'api'))).toEqual(filesOf(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);
