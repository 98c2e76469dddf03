import { readFileSync } from 'node:fs';

/**
 * Where a rounding error is computed, compilers that may reorder sums (Mesa's, Metal's) must not see two of
 * them together: every sum and difference goes through `rounded`. This finds, in the text of a function, sums
 * that do not.
 */
function openSums(body: string): string[] {
  let text = body.replace(/\/\/.*$/gm, '');
  // A sum of two names, or of what was rounded, is all that `rounded` may hold; from the inside out.
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replace(/\brounded\(\s*\w+(?:\.\w+)?\s*[-+]\s*\w+(?:\.\w+)?\s*\)/g, 'ROUNDED');
  }
  return [...text.matchAll(/[\w.]+\s*[-+]\s*[\w.]+/g)].map(([sum]) => sum.replace(/\s+/g, ' '));
}

function bodyOf(file: string, head: string): string {
  const text = readFileSync(file, 'utf8');
  const start = text.indexOf(head);
  if (start < 0) throw new Error(`bodyOf: expected '${head}' in ${file}.`);
  return text.slice(text.indexOf('{', start), text.indexOf('\n}', start));
}

describe('the sums of a rounding error', () => {
  it('are found where a compiler sees two of them together', () => {
    expect(openSums('let d = z - v; let c = d - z; return (z - (d - c)) - (v + c);')).toEqual(
      expect.arrayContaining(['z - v', 'd - z', 'd - c', 'v + c']),
    );
    expect(openSums('let d = rounded(z - v); let c = rounded(d - z - v);')).toEqual(['d - z']);
  });

  for (const [file, head, last] of [
    // Errors alone, of which none is larger than the last digit of z or v: their order is all one.
    ['kernels/wgsl/near.wgsl', 'fn roundingError(', ['ROUNDED - ROUNDED']],
    ['kernels/glsl/numbers.glsl', 'vec2 difference(', ['ROUNDED - ROUNDED']],
    // An error, and what remains once the common shift is gone.
    ['kernels/wgsl/near.wgsl', 'fn disagreement(', ['ROUNDED + roundingError']],
    ['kernels/glsl/inputs.glsl', 'float nearness(', ['ROUNDED + d.y']],
    // What all classes of a row subtract.
    ['kernels/glsl/maxima.glsl', 'float referenceOf(', []],
  ] as const) {
    it(`${file}: '${head}...' keeps each from its neighbours`, () => {
      expect(
        openSums(bodyOf(file, head).replaceAll('2.0 * NEAR', 'BOUND').replaceAll('-BOUND', 'BOUND')),
      ).toEqual(last);
    });
  }

  it('what all classes of a row subtract is rounded once, where it is made', () => {
    expect(readFileSync('kernels/wgsl/merge.wgsl', 'utf8')).toMatch(/^ *reference = rounded\(vec4\(/m);
    expect(readFileSync('kernels/glsl/statistics_texel.glsl', 'utf8')).toContain(
      'found.reference = rounded(texel.r - texel.g);',
    );
  });

  it('`rounded` is a maximum with a finite number, which no compiler takes for the lowest there is', () => {
    expect(bodyOf('kernels/wgsl/numbers.wgsl', 'fn rounded(')).toContain('return max(x, vec4(LOWEST));');
    expect(bodyOf('kernels/glsl/numbers.glsl', 'float rounded(')).toContain('return max(x, LOWEST);');
    for (const file of ['kernels/wgsl/numbers.wgsl', 'kernels/glsl/constants.glsl'])
      expect(readFileSync(file, 'utf8')).toMatch(/const (float )?LOWEST = -3\.4e38;/);
  });
});
