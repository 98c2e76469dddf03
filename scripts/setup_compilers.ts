/**
 * Brings the compilers for NVIDIA's GPUs for `npm run bench:compilers`, 160 MB from PyPI, into .cache/; a
 * second run finds them there. Python has its own reasons to want other files of these packages: no Python
 * runs them, so that its version does not matter.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CUOBJDUMP, NVDISASM, NVIDIA, NVIDIA_COMPILERS, NVIDIA_PACKAGES } from './nvidia_packages.ts';
import { into, run, say } from './setup.ts';

/** Of the packages' files, those of these names. */
const PLATFORMS = ['manylinux_2_34_x86_64', 'manylinux2014_x86_64', 'manylinux2010_x86_64'];

function setUp(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`setup_compilers: expected Linux for x64; got ${process.platform}-${process.arch}.`);
  if (!existsSync(NVIDIA)) into(NVIDIA, fetchPackages);
  say(NVIDIA_COMPILERS);
}

function fetchPackages(folder: string): void {
  const wheels = join(folder, 'wheels');
  mkdirSync(wheels);
  const requirements = join(wheels, 'requirements.txt');
  const lines = Object.entries(NVIDIA_PACKAGES).map(([name, digest]) => `${name} --hash=${digest}\n`);
  writeFileSync(requirements, lines.join(''));
  say(`Fetching ${Object.keys(NVIDIA_PACKAGES).join(', ')}`);
  const target = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311', '--abi', 'none'];
  const platforms = PLATFORMS.flatMap((platform) => ['--platform', platform]);
  const only = ['--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes', ...target, ...platforms];
  run('python3', ['-m', 'pip', 'download', ...only, '--dest', wheels, '--requirement', requirements]);
  for (const wheel of readdirSync(wheels).filter((name) => name.endsWith('.whl')))
    run('python3', ['-m', 'zipfile', '--extract', join(wheels, wheel), folder]);
  rmSync(wheels, { recursive: true });
  const slang = join(folder, 'slangpy');
  for (const name of readdirSync(slang).filter((entry) => !/^libslang-.*\.so/.test(entry)))
    rmSync(join(slang, name), { recursive: true });
  for (const program of [CUOBJDUMP, NVDISASM]) chmodSync(program.replace(NVIDIA, folder), 0o755);
}

try {
  setUp();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
