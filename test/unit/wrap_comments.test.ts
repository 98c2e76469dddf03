import { longLines, wrapComments } from '../../scripts/wrap_comments.ts';

const words = (count: number, word = 'word') => Array(count).fill(word).join(' ');
const texts = (source: string) => wrapComments(source).split('\n');

it('what is beyond column 110 goes to the line below, through the paragraph, and not into the next', () => {
  const source = [`/**`, ` * ${words(25)}`, ` * last. More`, ` *`, ` * Another.`, ` */`].join('\n');
  expect(texts(source)).toEqual([
    `/**`,
    ` * ${words(21)}`,
    ` * ${words(4)} last. More`,
    ` *`,
    ` * Another.`,
    ` */`,
  ]);
});

it('a line that ends with a sentence stays the end of its paragraph', () => {
  expect(texts(`// ${words(25)}.\n// Next.`)).toEqual([`// ${words(21)}`, `// ${words(4)}.`, `// Next.`]);
});

it('a comment of one line becomes a block, one behind code a line above it', () => {
  expect(texts(`  /** ${words(25)} */`)).toEqual([`  /**`, `   * ${words(21)}`, `   * ${words(4)}`, `   */`]);
  expect(texts(`  let x = ${words(15, '+ 1')}; // ${words(12)}`)).toEqual([
    `  // ${words(12)}`,
    `  let x = ${words(15, '+ 1')};`,
  ]);
});

it('an entry of a list goes on where its text begins; the next is not drawn into it', () => {
  expect(texts(` * - ${words(25)}\n * - Next`)).toEqual([
    ` * - ${words(21)}`,
    ` *   ${words(4)}`,
    ` * - Next`,
  ]);
});

it('code, strings, tables, fences and words without a space stay as they are', () => {
  const source = [
    `const text = 'https://${'x'.repeat(120)} // ${words(5)}';`,
    ` * | ${words(30)} |`,
    ' * ```ts',
    ` * f(${words(30)});`,
    ' * ```',
    `// ${'x'.repeat(120)}`,
  ].join('\n');
  expect(wrapComments(source)).toBe(source);
});

it('wrapped twice is wrapped once', () => {
  const once = wrapComments(`/** ${words(70)} */\n// ${words(50)}\n// ${words(9)}`);
  expect(wrapComments(once)).toBe(once);
});

it('long lines are comments, and all lines of shaders and AssemblyScript', () => {
  const source = `// ${words(25)}\nx = ${words(30, '+ 1')};`;
  expect(longLines(source, 'src/a.ts')).toEqual([1]);
  for (const path of ['kernels/glsl/a.glsl', 'kernels/wgsl/a.wgsl', 'kernels/wasm/a.ts'])
    expect(longLines(source, path)).toEqual([1, 2]);
});
