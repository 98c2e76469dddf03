import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join('kernels', 'wgsl');
const files = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }));

/** What stands between the brackets of `array<...>`, which may hold brackets itself. */
function arraysOf(text: string): string[] {
  return [...text.matchAll(/\barray\s*</g)].map(({ index, 0: head }) => {
    const start = index + head.length;
    let end = start;
    for (let depth = 1; depth > 0; end++) {
      if (end === text.length) throw new Error(`arraysOf: brackets do not match in\n${text.slice(index)}`);
      if (text[end] === '<') depth++;
      if (text[end] === '>') depth--;
    }
    return text.slice(start, end - 1);
  });
}

/** The length among the arguments of an array type, or null where the array has none. */
function lengthOf(array: string): string | null {
  const length = /,([^,>]*)$/.exec(array)?.[1].trim();
  return length ?? null;
}

describe('kernels/wgsl', () => {
  it('the check finds lengths that are expressions', () => {
    const lengths = arraysOf(
      'var<workgroup> a: array<vec4<f32>, N * 2u>; var<private> b: array<u32, N>; c: array<u32>',
    ).map(lengthOf);
    expect(lengths).toEqual(['N * 2u', 'N', null]);
  });

  // naga, the compiler of WGSL in Firefox and Deno, panics on an expression of overrides there if overrides
  // leave no use of the array, and Firefox with it.
  it('the length of an array is a name or a number, never an expression', () => {
    const lengths = files.flatMap(({ name, text }) =>
      arraysOf(text)
        .map(lengthOf)
        .map((length) => ({ name, length })),
    );
    expect(lengths.filter(({ length }) => length !== null).length).toBeGreaterThanOrEqual(4);
    expect(lengths.filter(({ length }) => length !== null && !/^\w+$/.test(length))).toEqual([]);
  });
});
