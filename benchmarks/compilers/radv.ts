/** Compiles for AMD chips that are not there, by RADV behind compile_only_driver.c. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEBIAN, ENGINES, LIBRARIES, onPath, whyNoLavapipe } from '../../scripts/engines.ts';
import type { Compiled, Job } from './compile_pipelines.ts';
import type { CompiledPipeline } from './pipeline_report.ts';
import { readReport } from './radv_report.ts';

/** As RADV_FORCE_FAMILY takes them: RDNA 3, 2, 1 and 4, and GCN, whose registers are scarcest. */
export const AMD_CHIPS = ['navi31', 'navi21', 'navi10', 'gfx1201', 'vega10'] as const;
export type AmdChip = (typeof AMD_CHIPS)[number];

const DRIVER = join(LIBRARIES, 'libvulkan_radeon.so');
const FOLDER = join(ENGINES, 'radv');
const MANIFEST = join(FOLDER, 'manifest.json');
const SOURCE = resolve('benchmarks', 'compilers', 'compile_only_driver.c');

/** Why nothing can be compiled here, or null. */
export function whyNoRadv(): string | null {
  const absent = whyNoLavapipe();
  if (absent !== null) return absent.replace("Mesa's lavapipe", "Mesa's RADV");
  return onPath('cc') ? null : 'there is no C compiler, `cc`, for compile_only_driver.c';
}

export async function compileForAmd(chip: AmdChip, job: Job): Promise<CompiledPipeline[]> {
  buildDriver();
  const report = join(FOLDER, `${chip}.${process.pid}.txt`);
  rmSync(report, { force: true });
  try {
    const { variants, names } = await compile(job, {
      LD_LIBRARY_PATH: LIBRARIES,
      VK_DRIVER_FILES: MANIFEST,
      VK_ICD_FILENAMES: MANIFEST, // the older name of the same
      RADV_FORCE_FAMILY: chip,
      MESA_SHADER_CACHE_DISABLE: 'true', // what comes from a cache has no listing
      COMPILE_ONLY_DRIVER: DRIVER,
      COMPILE_ONLY_REPORT: report,
    });
    const texts = readFileSync(report, 'utf8')
      .split(/^end\n/m)
      .slice(0, -1);
    if (texts.length !== names.length)
      throw new Error(
        `compileForAmd: ${names.length} pipelines were asked for, ${texts.length} were compiled.`,
      );
    return texts.map((text, k) => ({ chip, name: names[k], variant: variants[k], ...readReport(text) }));
  } finally {
    rmSync(report, { force: true });
  }
}

/** Where compile_only_driver.c is newer than what was built of it. */
function buildDriver(): void {
  const library = join(FOLDER, 'compile_only_driver.so');
  if (existsSync(library) && statSync(library).mtimeMs > statSync(SOURCE).mtimeMs) return;
  mkdirSync(FOLDER, { recursive: true });
  const headers = join(DEBIAN, 'usr', 'include');
  execFileSync('cc', ['-O1', '-Wall', '-shared', '-fPIC', `-I${headers}`, SOURCE, '-o', library, '-ldl']);
  const ICD = { library_path: library, api_version: '1.3.0' };
  writeFileSync(MANIFEST, JSON.stringify({ file_format_version: '1.0.0', ICD }));
}

function compile(job: Job, environment: NodeJS.ProcessEnv): Promise<Compiled> {
  const script = resolve('benchmarks', 'compilers', 'compile_pipelines.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script], {
    env: { ...process.env, ...environment },
  });
  let [output, words] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  child.stdin.end(JSON.stringify(job));
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => {
      if (code === 0) done(JSON.parse(output) as Compiled);
      else fail(new Error(`compileForAmd: the process ended with ${code}:\n${words.slice(-2000)}`));
    });
  });
}
