/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';
import { BACKEND_PROJECTS, type BackendProject } from './test/backends/projects.ts';

const transform: Config['transform'] = {
  '^.+\\.ts$': [
    '@swc/jest',
    { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
  ],
};

function suitesOf({
  host,
  suites,
  layers = host === 'node' ? [{ name: '*' }] : [],
}: BackendProject): string[] {
  if (suites) return suites.map(({ name }) => `<rootDir>/test/*/${name}.test.ts`);
  return [
    '<rootDir>/test/{conformance,properties}/**/*.test.ts',
    ...layers.map(({ name }) => `<rootDir>/test/layers/${name}.test.ts`),
  ];
}

const config: Config = {
  verbose: true,
  maxWorkers: '100%', // jest itself leaves a core idle, half of a machine of two
  reporters: ['default', '<rootDir>/test/runner/absent_backends.cjs'],
  projects: [
    {
      displayName: 'unit',
      testMatch: ['<rootDir>/test/unit/**/*.test.ts'],
      transform,
    },
    // The packed tarball, as bundlers, Node, pages and compilers use it.
    {
      displayName: 'package',
      testMatch: ['<rootDir>/test/package/**/*.test.ts'],
      globalSetup: '<rootDir>/test/package/tarball.ts',
      globalTeardown: '<rootDir>/test/package/remove_project.ts',
      transform,
    },
    {
      displayName: 'docs',
      testMatch: ['<rootDir>/test/docs/**/*.test.ts'],
      transform,
    },
    // The page of examples/demo in a browser.
    {
      displayName: 'demo',
      testMatch: ['<rootDir>/test/demo/**/*.test.ts'],
      transform,
    },
    // The same suite for every backend, each in a process where that backend is real.
    ...BACKEND_PROJECTS.map((backendProject) => ({
      displayName: backendProject.name,
      testMatch: suitesOf(backendProject),
      testRunner: '<rootDir>/test/runner/backend_runner.ts',
      globals: { backendProject: { ...backendProject } },
      transform,
    })),
  ],
};

export default config;
