/** naga is the compiler of WGSL in Firefox, Deno and Bevy: every module of ours, one variant of each, into the languages that it hands to Direct3D, Metal and Vulkan. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPath } from '../../scripts/engines.ts';
import { type Modules, shaderSource, type Variant } from '../../src/backends/webgpu/pipeline.ts';
import { pipelinesOf } from '../webgpu_pipelines.ts';

const naga = onPath('naga');
const describeWithNaga =
  naga === null
    ? describe.skip.bind(null, 'naga is not installed; `cargo install naga-cli` installs it')
    : describe.bind(null, `naga`);

/** naga translates no overrides, so that constants take their place; and it knows what subgroups do, but not the line that enables them. */
function textOf({ modules, constants }: Variant): string {
  const values = new Map<string, number>(Object.entries(constants));
  return shaderSource(modules)
    .replace('enable subgroups;', '')
    .replace(/^override (\w+): (\w+)( = .*)?;/gm, (_, name: string, type: string, preset?: string) => {
      const value = values.get(name);
      if (value === undefined) return `const ${name}: ${type}${preset};`;
      return `const ${name}: ${type} = ${type === 'bool' ? value === 1 : type === 'u32' ? `${value}u` : value};`;
    });
}

/** A variant of each set of modules, those of the calls that come last: gradients by which all of a kernel is used. */
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
      writeFileSync(source, textOf(variant));
      const targets = ['rows.hlsl', 'rows.metal', 'rows.spv'].map((name) => join(folder, name));
      execFileSync(naga ?? '', ['--shader-model', '60', '--metal-version', '2.4', source, ...targets], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      for (const target of targets) expect(statSync(target).size).toBeGreaterThan(1000);
      for (const target of targets) rmSync(target);
    });
});
