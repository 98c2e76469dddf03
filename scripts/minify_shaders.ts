/**
 * Shortens the shaders of src/generated for what npm gets: their own names become one or two letters, the same in all files of a language, and spaces go.
 * What TypeScript or tfjs names stays: a word that occurs in the backend's sources, or that no file declares, is left alone. A name never takes the place
 * of a word in use, so that two different names stay different, and every scope stays as it was.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type ShaderLanguage = 'wgsl' | 'glsl';

/** The folder whose TypeScript speaks to the shaders. */
const BACKENDS: Record<ShaderLanguage, string> = { wgsl: 'src/backends/webgpu', glsl: 'src/backends/webgl' };

const WORD = /\b[A-Za-z_]\w*/g;

/** The text of a module of src/generated with shorter shaders. */
export function minifyShaderModule(module: string, language: ShaderLanguage): string {
  const literal = /^ {2}("(?:[^"\\]|\\.)*");$/gm;
  const shaders = [...module.matchAll(literal)].map(([, text]) => JSON.parse(text) as string);
  const kept = new Set([...readBackend(language).matchAll(WORD)].map(([word]) => word));
  const minified = minifyShaders(shaders, language, kept);
  let next = 0;
  return module.replace(literal, () => `  ${JSON.stringify(minified[next++])};`);
}

function readBackend(language: ShaderLanguage): string {
  const folder = BACKENDS[language];
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
}

export function minifyShaders(
  shaders: string[],
  language: ShaderLanguage,
  kept: ReadonlySet<string>,
): string[] {
  const all = shaders.join('\n');
  const uses = new Map<string, number>();
  for (const [word] of all.matchAll(WORD)) uses.set(word, (uses.get(word) ?? 0) + 1);
  const ofLanguage = new Set([...all.matchAll(LANGUAGE_WORDS)].flatMap(([words]) => words.match(WORD) ?? []));
  const renamed = [...declaredIn(all, language)]
    .filter(
      (word) =>
        word.length > 2 &&
        !kept.has(word) &&
        !ofLanguage.has(word) &&
        !/^([xyzw]+|[rgba]+|[stpq]+)$/.test(word),
    )
    .sort((a, b) => (uses.get(b) ?? 0) - (uses.get(a) ?? 0));
  const names = shortNames((name) => uses.has(name) || kept.has(name));
  const shortName = new Map(renamed.map((word) => [word, names.next().value ?? word]));
  return shaders.map((shader) => squeeze(shader.replace(WORD, (word) => shortName.get(word) ?? word)));
}

/** WGSL's attributes, with what stands in their brackets, and address spaces: names that a variable may have too. */
const LANGUAGE_WORDS = /@\w+(?:\([^)]*\))?|\bvar<[^>]*>/g;

const GLSL_TYPES = 'void|bool|int|uint|float|[biu]?vec[234]|mat[234]|sampler2D';

/** The names that the shaders declare, as far as they are plain to see; the others stay as they are, everywhere. */
function declaredIn(source: string, language: ShaderLanguage): Set<string> {
  const patterns: RegExp[] = [];
  switch (language) {
    case 'wgsl':
      patterns.push(/\b(?:fn|struct|let|const|override|alias|var(?:<[^>]*>)?)\s+([A-Za-z_]\w*)/g);
      patterns.push(/[,({\n]\s*([A-Za-z_]\w*)\s*:/g); // parameters and members
      break;
    case 'glsl': {
      const structs = [...source.matchAll(/\bstruct (\w+)/g)].map(([, name]) => name);
      const types = [GLSL_TYPES, ...structs].join('|');
      patterns.push(/\bstruct (\w+)/g, /^#define (\w+)/gm);
      patterns.push(new RegExp(`\\b(?:${types})\\s+([A-Za-z_]\\w*)`, 'g'));
      break;
    }
    default:
      language satisfies never;
  }
  const names = patterns.flatMap((pattern) => [...source.matchAll(pattern)].map(([, name]) => name));
  return new Set(names.filter((name) => !['default', 'main'].includes(name)));
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** Two letters that mean something in one of the languages. */
const RESERVED = new Set(['as', 'do', 'if', 'in', 'is', 'of', 'fn']);

function* shortNames(isTaken: (name: string) => boolean): Generator<string, undefined> {
  for (const first of ['', ...LETTERS]) {
    for (const last of LETTERS) {
      const name = first + last;
      if (!isTaken(name) && !RESERVED.has(name)) yield name;
    }
  }
}

const OPERATORS = '+-*/%&|^<>=!';

/** Lines of the preprocessor stay lines; elsewhere a space stays only between words and between operators. */
function squeeze(shader: string): string {
  const pieces: string[] = [];
  let code: string[] = [];
  const flush = () => {
    if (code.length > 0) pieces.push(squeezeCode(code.join(' ')));
    code = [];
  };
  for (const line of shader.split('\n')) {
    if (line.startsWith('#')) {
      flush();
      pieces.push(line);
    } else {
      code.push(line);
    }
  }
  flush();
  return pieces.join('\n');
}

function squeezeCode(code: string): string {
  return code.replace(/\s+/g, (_, at: number) => {
    const before = code[at - 1] ?? '';
    const after = code.slice(at).trimStart()[0] ?? '';
    const keeps =
      (/\w/.test(before) && /\w/.test(after)) ||
      (OPERATORS.includes(before) && OPERATORS.includes(after) && before !== '' && after !== '');
    return keeps ? ' ' : '';
  });
}
