import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The least normal float32: a device may take what is smaller for 0, and a guard with it guards nothing
 * there.
 */
const LEAST_NORMAL = 2 ** -126;
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** The floating-point literals of WGSL and GLSL. */
function literalsOf(text: string): number[] {
  const code = text.replace(/\/\/.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, '');
  return [...code.matchAll(/(?<![\w.])(?:\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+)/gi)].map(([literal]) =>
    Number(literal),
  );
}

describe('the numbers in shaders', () => {
  it('are found in every spelling', () => {
    expect(
      literalsOf('const A = -3.4e38; // 1e-40\nlet b = max(x.x, 1e-38) * 0.5 + f32(4u) + v2.y;'),
    ).toEqual([3.4e38, 1e-38, 0.5]);
  });

  for (const language of ['wgsl', 'glsl']) {
    const folder = join('kernels', language);
    for (const name of readdirSync(folder)) {
      it(`${language}/${name} has 0 and normal float32 alone`, () => {
        const literals = literalsOf(readFileSync(join(folder, name), 'utf8')).map(Math.fround);
        expect(literals.filter((x) => x !== 0 && !(x >= LEAST_NORMAL && x <= LARGEST))).toEqual([]);
      });
    }
  }
});
