/**
 * The jest globalSetup of the package project: `npm pack` (which builds), then an install of the tarball into
 * an empty project in the temp folder, beside links to the development dependencies of this checkout, so that
 * everything there shares one tfjs-core. What is tested is what npm would publish.
 */
import { cpSync, mkdtempSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { transformSync } from 'esbuild';
import { runProgram } from './run_program.ts';

/** Environment variables through which the suites find the project. */
const PROJECT = 'TFJS_DISTILL_PACKAGE_PROJECT';
const PACKED = 'TFJS_DISTILL_PACKED';

export interface PackedPackage {
  /** The project that has the tarball installed; test/package/consumers lies in it. */
  project: string;
  tarball: string;
  /** Paths in the tarball. */
  files: { path: string; size: number }[];
}

export default function setUp(): void {
  const project = mkdtempSync(join(realpathSync(tmpdir()), 'tfjs-distill-package-'));
  process.env[PROJECT] = project;
  const [packed] = JSON.parse(runProgram('npm', ['pack', '--json', '--pack-destination', project])) as [
    { filename: string; files: PackedPackage['files'] },
  ];
  const tarball = join(project, packed.filename);
  process.env[PACKED] = JSON.stringify({ project, tarball, files: packed.files } satisfies PackedPackage);

  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumers', private: true }));
  // No run-time dependency: nothing is fetched, so this works without a network.
  runProgram(
    'npm',
    ['install', '--offline', '--legacy-peer-deps', '--no-audit', '--no-fund', tarball],
    project,
  );
  for (const name of ['@tensorflow', '@webgpu', '@types', 'esbuild', 'typescript', 'vite', 'webpack']) {
    symlinkSync(resolve('node_modules', name), join(project, 'node_modules', name));
  }
  cpSync(join('test', 'package', 'consumers'), project, { recursive: true });
  const measure = readFileSync(join('test', 'package', 'measure.ts'), 'utf8');
  writeFileSync(join(project, 'measure.ts'), measure);
  writeFileSync(join(project, 'measure.mjs'), transformSync(measure, { loader: 'ts' }).code);
}

/** What setUp made. */
export function packedPackage(): PackedPackage {
  const packed = process.env[PACKED];
  if (!packed) throw new Error('packedPackage: run this suite as part of the jest project `package`.');
  return JSON.parse(packed) as PackedPackage;
}
