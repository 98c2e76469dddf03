import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ENTRIES, specifierOf } from '../../scripts/entries.ts';
import { WASM_LIMIT_BYTES, wasmSize } from '../../scripts/size.ts';
import { runScript } from './run_program.ts';
import { packedPackage } from './tarball.ts';

const { project, tarball, files } = packedPackage();
const installed = join(project, 'node_modules', 'tfjs-distill');

interface Manifest {
  private?: boolean;
  dependencies?: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
  sideEffects: unknown;
  exports: Record<string, unknown>;
  typesVersions: Record<string, Record<string, string[]>>;
}

function manifest(): Manifest {
  return JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
}

describe('the tarball', () => {
  it('ships what is built, the licence, the changelog and the README, and nothing else', () => {
    const extra = files
      .map(({ path }) => path)
      .filter((path) => !/^dist\/[a-z_-]+(-[\w-]{8})?(\.min)?\.(js|cjs|d\.ts|d\.cts)(\.map)?$/.test(path));
    expect(extra.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
  });

  it('can be published, and asks for tfjs-core alone', () => {
    const {
      private: isPrivate,
      dependencies,
      peerDependencies,
      peerDependenciesMeta,
      sideEffects,
    } = manifest();
    expect(isPrivate).toBeUndefined();
    expect(dependencies).toBeUndefined();
    const required = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
    expect(required).toEqual(['@tensorflow/tfjs-core']);
    expect(sideEffects).toBe(true);
  });

  it('exports its entries, with types for every way to resolve modules', () => {
    const { exports, typesVersions } = manifest();
    const names = Object.keys(ENTRIES) as (keyof typeof ENTRIES)[];
    const typed = names.map((entry) => [specifierOf(entry).replace('tfjs-distill', '.'), entry] as const);
    const { './*.min.js': _script, './package.json': _manifest, ...modules } = exports;
    expect(modules).toEqual(
      Object.fromEntries(
        typed.map(([specifier, entry]) => [
          specifier,
          {
            import: { types: `./dist/${entry}.d.ts`, default: `./dist/${entry}.js` },
            require: { types: `./dist/${entry}.d.cts`, default: `./dist/${entry}.cjs` },
          },
        ]),
      ),
    );
    const subpaths = typed.filter(([specifier]) => specifier !== '.');
    expect(typesVersions['*']).toEqual(
      Object.fromEntries(
        subpaths.map(([specifier, entry]) => [specifier.slice(2), [`./dist/${entry}.d.cts`]]),
      ),
    );
  });

  it('has a source map with sources for every script that is more than imports and exports', () => {
    const scripts = files.map(({ path }) => path).filter((path) => /\.c?js$/.test(path));
    const code = (script: string) => readFileSync(join(installed, script), 'utf8');
    const mapped = scripts.filter(
      (script) => script.endsWith('.min.js') || code(script).includes('//#region'),
    );
    // scripts for a tag, and backends in both formats
    expect(mapped.length).toBeGreaterThanOrEqual(2 + 2 * 5);
    for (const script of mapped) {
      const url = code(script).match(/\/\/# sourceMappingURL=(\S+)\s*$/)?.[1];
      expect(url).toBe(`${script.replace('dist/', '')}.map`);
      const map = JSON.parse(readFileSync(join(installed, 'dist', String(url)), 'utf8')) as {
        sourcesContent: string[];
      };
      expect(map.sourcesContent.length).toBeGreaterThan(0);
      for (const source of map.sourcesContent) expect(source.length).toBeGreaterThan(0);
    }
  });

  it('weighs no more than its limits', () => {
    run('size-limit', ['--silent']); // dist/, which setUp has built
    expect(wasmSize()).toBeLessThanOrEqual(WASM_LIMIT_BYTES);
  });

  it('passes publint, warnings included', () => {
    run('publint', ['--strict', tarball]);
  });

  it('passes are-the-types-wrong for every way to resolve modules', () => {
    run('@arethetypeswrong/cli', [tarball, '--exclude-entrypoints', './*.min.js']);
  });
});

/** Runs the command line tool of a development dependency. */
function run(name: string, args: string[]): void {
  const { bin } = JSON.parse(readFileSync(resolve('node_modules', name, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  const path = typeof bin === 'string' ? bin : Object.values(bin)[0];
  runScript([resolve('node_modules', name, path), ...args]);
}
