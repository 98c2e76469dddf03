import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GLSLANG, whyNoGlslang } from '../../scripts/engines.ts';
import { isRequired } from './absence.ts';
import type { CaseReport } from './blocks.ts';

/**
 * GLSL programs that a suite has compiled in a browser, shown to Khronos's compiler: what one driver lets
 * through another may refuse. null if that compiler is absent and need not be here.
 */
export async function validateGlsl(project: string, programs: readonly string[]): Promise<CaseReport | null> {
  const absent = whyNoGlslang();
  if (absent !== null && !isRequired(project)) return null;
  const titles = [`glslangValidator accepts the ${programs.length} GLSL programs that ran`];
  const start = performance.now();
  const error = absent ?? (await errorsIn(programs));
  return { titles, duration: performance.now() - start, error };
}

async function errorsIn(programs: readonly string[]): Promise<string | null> {
  const folder = mkdtempSync(join(tmpdir(), 'glsl-'));
  try {
    const files = programs.map((_, k) => `${k}.frag`);
    programs.forEach((source, k) => {
      writeFileSync(join(folder, files[k]), source);
    });
    await promisify(execFile)(GLSLANG, ['-S', 'frag', ...files], { cwd: folder });
    return null;
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    if (stdout === undefined) throw error;
    return stdout.slice(0, 4000);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
