/** The code that a reader of the documentation may copy. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface CodeBlock {
  /** Where it stands: `docs/guide.md:12`. */
  place: string;
  language: string;
  /**
   * The words after the language, which a rendered page does not show: `continues` a block above in the same
   * file, `compile-only` if it needs what a test does not have.
   */
  flags: string[];
  code: string;
}

export const isProgram = ({ language }: CodeBlock) => language === 'ts' || language === 'js';

const FENCE = /^ *```(\S*)(.*)$/;

/** The fenced blocks of a text, each with those that it continues in front of it. */
function codeBlocks(text: string, file: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: CodeBlock | null = null;
  text.split('\n').forEach((line, index) => {
    const fence = FENCE.exec(line);
    if (open === null && fence) {
      open = {
        place: `${file}:${index + 1}`,
        language: fence[1],
        flags: fence[2].split(' ').filter(Boolean),
        code: '',
      };
    } else if (open !== null && fence) {
      if (open.flags.includes('continues')) {
        const before = blocks.findLast(isProgram);
        if (!before) throw new Error(`${open.place} continues no block above it.`);
        open.code = before.code + open.code;
      }
      blocks.push(open);
      open = null;
    } else if (open !== null) {
      open.code += `${line}\n`;
    }
  });
  if (open !== null) throw new Error(`${(open as CodeBlock).place} has no end.`);
  return blocks;
}

/**
 * README.md and docs/*.md; the API reference is made of docstrings, whose examples docstringExamples() gives.
 */
export function pageBlocks(): CodeBlock[] {
  const pages = readdirSync('docs').filter((name) => name.endsWith('.md'));
  return ['README.md', ...pages.map((name) => join('docs', name))].flatMap((file) =>
    codeBlocks(readFileSync(file, 'utf8'), file),
  );
}

/** The examples of the docstrings under src/: lines that take their tensors for granted. */
export function docstringExamples(): CodeBlock[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('generated'))
    .flatMap((name) => {
      const file = join('src', name);
      const lines = readFileSync(file, 'utf8').split('\n');
      const comments = lines.map((line) => /^ *\* ?(.*)$/.exec(line)?.[1] ?? '');
      return codeBlocks(comments.join('\n'), file);
    });
}

/** A file name for a block. */
export function blockName({ place }: CodeBlock): string {
  return basename(place.replaceAll('/', '_').replace(/\.(md|ts):/, '_'));
}
