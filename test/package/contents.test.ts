import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
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
}

describe('the tarball', () => {
  it('ships what is built, the licence, the changelog and the README, and nothing else', () => {
    const extra = files
      .map(({ path }) => path)
      .filter((path) => !/^dist\/[a-z_-]+(-[\w-]{8})?(\.min)?\.(js|cjs|d\.ts|d\.cts)(\.map)?$/.test(path));
    expect(extra.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
  });

  it('can be published, and asks for tfjs-core alone', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
    expect(manifest.private).toBeUndefined();
    expect(manifest.dependencies).toBeUndefined();
    const required = Object.keys(manifest.peerDependencies).filter(
      (name) => !manifest.peerDependenciesMeta[name]?.optional,
    );
    expect(required).toEqual(['@tensorflow/tfjs-core']);
    expect(manifest.sideEffects).toBe(true);
  });

  it('has a source map with sources for every script', () => {
    const scripts = files.map(({ path }) => path).filter((path) => /\.c?js$/.test(path));
    expect(scripts.length).toBeGreaterThanOrEqual(3);
    for (const script of scripts) {
      const code = readFileSync(join(installed, script), 'utf8');
      const url = code.match(/\/\/# sourceMappingURL=(\S+)\s*$/)?.[1];
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
