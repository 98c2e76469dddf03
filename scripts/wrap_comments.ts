/**
 * Comments and shaders end at column 110, where Biome ends code. `npm run fix` wraps the comments that are
 * longer: what is beyond goes to the line below, as far as that is text of the same paragraph. With `--check`
 * it writes nothing, and fails.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WIDTH = 110;

/** What is held to it. */
const FOLDERS = ['benchmarks', 'examples', 'kernels', 'scripts', 'src', 'test'];
/** What programs write. */
const WRITTEN = ['benchmarks/results', 'src/generated', 'test/fixtures'];
/** What was not wrapped yet: whoever takes a path off this list runs `npm run fix`. */
const NOT_YET = [
  'kernels/objective.ts',
  'kernels/wgsl',
  'src/backends/register.ts',
  'src/backends/row_pass.ts',
  'src/layers',
  'src/ops',
  'test/backends/projects.ts',
  'test/layers',
];

/** A line of a comment: what stands before its text, and its text. */
const COMMENT = /^(\s*(?:\/\/|\*(?!\/))\s)(.*)$/;
/** A comment of one line, with stars. */
const BLOCK = /^(\s*)\/\*(\*?) (.*) \*\/$/;
/** Code, and a comment behind it. */
const BEHIND_CODE = /^(\s*)(\S.*?)\s*(\/\/ .*)$/;
/**
 * What begins a paragraph: an entry of a list, a tag, a row of a table, a fence, a heading, or columns that
 * are aligned.
 */
const BEGINNING = /^(?:[-*] |\d+\. |@|\||```|#|\s)/;
/** What ends one: a line that its writer ended with a sentence, though there was no limit. */
const ENDING = /[.:]$/;

/** The text with its comments wrapped. */
export function wrapComments(source: string): string {
  const lines = source.split('\n').flatMap(unfold);
  const wrapped: string[] = [];
  let fenced = false;
  for (let i = 0; i < lines.length; i++) {
    const [, prefix = '', text = ''] = COMMENT.exec(lines[i]) ?? [];
    if (text.startsWith('```')) fenced = !fenced;
    const split = lines[i].length > WIDTH && !fenced ? splitAt(lines[i], prefix.length) : null;
    if (split === null) {
      wrapped.push(lines[i]);
      continue;
    }
    wrapped.push(split.line);
    const [, nextPrefix, next = ''] = COMMENT.exec(lines[i + 1] ?? '') ?? [];
    const isText = nextPrefix === prefix && next !== '' && !BEGINNING.test(next.slice(split.indent));
    const isSameParagraph = isText && next.slice(0, split.indent).trim() === '' && !ENDING.test(split.rest);
    const rest = prefix + ' '.repeat(split.indent) + split.rest;
    if (isSameParagraph) lines[i + 1] = `${rest} ${next.trimStart()}`;
    else lines.splice(i + 1, 0, rest);
  }
  return wrapped.join('\n');
}

/**
 * Of a line that is too long: a comment of one line becomes a block, a comment behind code a line above it.
 */
function unfold(line: string): string[] {
  if (line.length <= WIDTH) return [line];
  const [, indentation, star, text] = BLOCK.exec(line) ?? [];
  if (text !== undefined && !text.includes('*/'))
    return [`${indentation}/*${star}`, `${indentation} * ${text}`, `${indentation} */`];
  if (COMMENT.test(line)) return [line];
  const [, margin, code, comment] = BEHIND_CODE.exec(line) ?? [];
  const isComment = comment !== undefined && !/['"`]/.test(comment) && code.split(/['"`]/).length % 2 === 1;
  return isComment ? [margin + comment, margin + code] : [line];
}

/**
 * At the last space that leaves a line within the width; an entry of a list goes on where its text begins.
 * null: there is none.
 */
function splitAt(line: string, start: number): { line: string; rest: string; indent: number } | null {
  if (start === 0) return null;
  const text = line.slice(start);
  if (/^(?:\||#|\s{3})/.test(text)) return null;
  const indent = /^(?:\s*)(?:[-*] |\d+\. )?/.exec(text)?.[0].length ?? 0;
  const at = line.lastIndexOf(' ', WIDTH);
  if (at < start + indent + 1) return null;
  return { line: line.slice(0, at).trimEnd(), rest: line.slice(at + 1), indent };
}

/** The numbers of lines that are too long: of shaders and AssemblyScript all, of other code comments. */
export function longLines(source: string, path: string): number[] {
  const holdsCode = /\.(?:wgsl|glsl)$/.test(path) || path.startsWith(join('kernels', 'wasm'));
  const isComment = (line: string) => COMMENT.test(line) || BLOCK.test(line) || /^\s*\/\*/.test(line);
  return source
    .split('\n')
    .flatMap((line, i) => (line.length > WIDTH && (holdsCode || isComment(line)) ? [i + 1] : []));
}

/** Every source file of the folders. */
function sourceFiles(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:ts|wgsl|glsl)$/.test(name))
      .map((name) => join(folder, name))
      .filter((path) => ![...WRITTEN, ...NOT_YET].some((left) => path.startsWith(left))),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes('--check');
  for (const path of sourceFiles()) {
    const source = readFileSync(path, 'utf8');
    const wrapped = check ? source : wrapComments(source);
    if (wrapped !== source) writeFileSync(path, wrapped);
    for (const line of longLines(wrapped, path)) {
      console.log(`${path}:${line} is longer than ${WIDTH} columns${check ? ': run npm run fix' : ''}`);
      process.exitCode = 1;
    }
  }
}
