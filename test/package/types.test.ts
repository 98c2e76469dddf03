import { join } from 'node:path';
import { runScript } from './run_program.ts';
import { packedPackage } from './tarball.ts';

const { project } = packedPackage();

function compile(file: string, module: string, moduleResolution: string, more: string[] = []): void {
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022'];
  const tsc = join(project, 'node_modules/typescript/bin/tsc');
  const modules = ['--module', module, '--moduleResolution', moduleResolution];
  runScript([tsc, ...options, ...modules, ...more, join(project, 'types', file)], project);
}

describe('the types of the packed tarball', () => {
  it('serve an ES module of Node', () => compile('esm.mts', 'nodenext', 'nodenext'));
  it('serve a CommonJS module of Node', () => compile('commonjs.cts', 'nodenext', 'nodenext'));
  it('serve the subpath for tfjs-layers', () => compile('layers.ts', 'esnext', 'bundler'));
  it('serve core and the entry of a backend', () => compile('one_backend.ts', 'esnext', 'bundler'));
  it('serve core to a CommonJS compiler of old, by typesVersions', () =>
    compile('one_backend.ts', 'commonjs', 'node10', ['--ignoreDeprecations', '6.0']));
  it('serve what a bundler builds', () => compile('bundler.ts', 'esnext', 'bundler'));
});
