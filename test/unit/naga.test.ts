/**
 * naga is the compiler of WGSL in Firefox, Deno and Bevy: every module of ours, one variant of each, into the
 * languages that it hands to Direct3D, Metal and Vulkan.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { naga, whyNoNaga } from '../../scripts/engines.ts';
import { textForNaga } from '../../scripts/naga.ts';
import type { Modules, Variant } from '../../src/backends/webgpu/pipeline.ts';
import { whySkipped } from '../runner/absence.ts';
import { pipelinesOf } from '../webgpu_pipelines.ts';

const absent = whySkipped('naga', whyNoNaga());
const describeWithNaga = absent === null ? describe.bind(null, 'naga') : describe.skip.bind(null, absent);

/**
 * A variant of each set of modules, those of the calls that come last: gradients by which all of a kernel is
 * used.
 */
function oneOfEach(): Map<string, Variant> {
  const found = new Map<string, Variant>();
  const keyOf = (modules: Modules) => Object.values(modules).join(' ');
  for (const hasSubgroups of [false, true])
    for (const variant of pipelinesOf({ mostThreads: 1024, hasSubgroups }, 32, 7))
      found.set(keyOf(variant.modules), variant);
  return found;
}

describeWithNaga(() => {
  const folder = mkdtempSync(join(tmpdir(), 'naga-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  for (const [modules, variant] of oneOfEach())
    it(`${modules} translates to HLSL, Metal's language and SPIR-V`, () => {
      const source = join(folder, 'rows.wgsl');
      writeFileSync(source, textForNaga(variant));
      const targets = ['rows.hlsl', 'rows.metal', 'rows.spv'].map((name) => join(folder, name));
      execFileSync(naga() ?? '', ['--shader-model', '60', '--metal-version', '2.4', source, ...targets], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      for (const target of targets) expect(statSync(target).size).toBeGreaterThan(1000);
      for (const target of targets) rmSync(target);
    });
});
