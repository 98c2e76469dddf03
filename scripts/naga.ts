/** naga, the compiler of WGSL in Firefox, Deno and Bevy: its command line, and the text that it takes. */
import { shaderSource, type Variant } from '../src/backends/webgpu/pipeline.ts';

/**
 * A variant for naga's translators, which know no overrides: constants take their place. The lines that
 * enable subgroups are left out, because naga knows what subgroups do, but not these lines.
 */
export function textForNaga({ modules, constants }: Variant): string {
  const values = new Map<string, number>(Object.entries(constants));
  return shaderSource(modules)
    .replace('enable subgroups;', '')
    .replace('diagnostic(off, subgroup_uniformity);', '')
    .replace(/^override (\w+): (\w+)( = .*)?;/gm, (_, name: string, type: string, preset?: string) => {
      const value = values.get(name);
      if (value === undefined) return `const ${name}: ${type}${preset};`;
      return `const ${name}: ${type} = ${type === 'bool' ? value === 1 : type === 'u32' ? `${value}u` : value};`;
    });
}
