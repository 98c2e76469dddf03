/**
 * Shortens the shaders of src/generated for what npm gets: their own names become a letter or two, spaces go.
 * A name that a file declares has one short name everywhere, in every file of its language, whatever scopes
 * it is declared in: so what was the same word stays the same word, what was another stays another, and no
 * scope need be understood. A name stays as it is if it is also one of the language, or stands in a string of
 * the backend's TypeScript, which speaks to the shaders.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type ShaderLanguage = 'wgsl' | 'glsl';

/** The folder whose TypeScript speaks to the shaders. */
const BACKENDS: Record<ShaderLanguage, string> = { wgsl: 'src/backends/webgpu', glsl: 'src/backends/webgl' };

const WORD = /\b[A-Za-z_]\w*/g;
const wordsOf = (text: string): string[] => text.match(WORD) ?? [];

/** The text of a module of src/generated with shorter shaders. */
export function minifyShaderModule(module: string, language: ShaderLanguage): string {
  const literal = /^ {2}("(?:[^"\\]|\\.)*");$/gm;
  const shaders = [...module.matchAll(literal)].map(([, text]) => JSON.parse(text) as string);
  const minified = minifyShaders(shaders, language, wordsInStrings(BACKENDS[language]));
  let next = 0;
  return module.replace(literal, () => `  ${JSON.stringify(minified[next++])};`);
}

/**
 * Names, uniforms and constants by which TypeScript speaks to the shaders are strings there, if only in a
 * type.
 */
function wordsInStrings(folder: string): string[] {
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const code = files.join('\n').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  return [...code.matchAll(/'([^'\n]*)'|`([^`]*)`/g)].flatMap(([text]) => wordsOf(text));
}

export function minifyShaders(
  shaders: readonly string[],
  language: ShaderLanguage,
  kept: readonly string[],
): string[] {
  const names = shortNames(shaders.join('\n'), language, kept);
  return shaders.map((shader) => squeeze(shader.replace(WORD, (word) => names.get(word) ?? word)));
}

/** What the names that are declared become: the most used the shortest. */
function shortNames(all: string, language: ShaderLanguage, kept: readonly string[]): Map<string, string> {
  const uses = new Map<string, number>();
  for (const word of wordsOf(all)) uses.set(word, (uses.get(word) ?? 0) + 1);
  const ofLanguage = [...all.matchAll(LANGUAGE_WORDS)].flatMap(([words]) => wordsOf(words));
  const fixed = new Set([...kept, ...ofLanguage, ...builtinsOf(all, language), ...RESERVED]);
  const declared = declaredIn(all, language).filter((word) => !fixed.has(word) && !SWIZZLE.test(word));
  const byUse = declared.toSorted((a, b) => (uses.get(b) ?? 0) - (uses.get(a) ?? 0));
  const free = SHORT_NAMES.filter((name) => !uses.has(name) && !fixed.has(name));
  if (free.length < byUse.length) throw new Error(`minifyShaders: ${byUse.length} names are too many.`);
  return new Map(byUse.map((word, i) => [word, free[i]]));
}

/**
 * WGSL's attributes, with what stands in their brackets, and address spaces: names that a variable may have
 * too.
 */
const LANGUAGE_WORDS = /@\w+(?:\([^)]*\))?|\bvar<[^>]*>/g;

const SWIZZLE = /^([xyzw]+|[rgba]+|[stpq]+)$/;

/**
 * What a pattern below takes for a name, and words of two letters that mean something in one of the
 * languages.
 */
const RESERVED = ['main', 'default', 'as', 'do', 'if', 'in', 'is', 'of', 'fn'];

const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const SHORT_NAMES = [...LETTERS, ...LETTERS.flatMap((first) => LETTERS.map((last) => first + last))];

const GLSL_TYPES = 'void|bool|int|uint|float|[biu]?vec[234]|mat[234]|sampler2D';

/**
 * The names that a text declares, as far as they are plain to see; the others stay as they are, everywhere.
 */
function declaredIn(source: string, language: ShaderLanguage): string[] {
  const patterns: RegExp[] = [];
  switch (language) {
    case 'wgsl':
      patterns.push(/\b(?:fn|struct|let|const|override|alias|var(?:<[^>]*>)?)\s+([A-Za-z_]\w*)/g);
      patterns.push(/[,({\n]\s*([A-Za-z_]\w*)\s*:/g); // parameters and members
      patterns.push(/@builtin\(\w+\)\s+([A-Za-z_]\w*)/g);
      break;
    case 'glsl': {
      const structs = [...source.matchAll(/\bstruct\s+(\w+)/g)].map(([, name]) => name);
      patterns.push(/\bstruct (\w+)/g, /^#define (\w+)/gm);
      patterns.push(new RegExp(`\\b(?:${[GLSL_TYPES, ...structs].join('|')})\\s+([A-Za-z_]\\w*)`, 'g'));
      break;
    }
    default:
      language satisfies never;
  }
  return [...new Set(patterns.flatMap((pattern) => [...source.matchAll(pattern)].map(([, name]) => name)))];
}

/** What is called and neither a function nor a struct of these files: a variable may have the name too. */
function builtinsOf(source: string, language: ShaderLanguage): string[] {
  const head =
    language === 'wgsl' ? /\b(?:fn|struct)\s+(\w+)/g : /\bstruct\s+(\w+)|\w\s+(\w+)\s*\([^()]*\)\s*\{/g;
  const own = new Set([...source.matchAll(head)].map(([, name, other]) => name ?? other));
  const called = [...source.matchAll(/\b([A-Za-z_]\w*)\s*\(/g)].map(([, name]) => name);
  return called.filter((name) => !own.has(name));
}

const OPERATORS = '+-*/%&|^<>=!';

/**
 * Lines of the preprocessor stay lines; elsewhere a space stays only between words and between operators, 1.0
 * becomes 1. and vec4<f32> vec4f.
 */
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

function squeezeCode(given: string): string {
  const code = given.replace(/\b(\d+\.)0+\b(?![.\d])/g, '$1').replace(/\bvec([234])<([fiu])32>/g, 'vec$1$2');
  return code.replace(/\s+/g, (_, at: number) => {
    const before = code[at - 1] ?? '';
    const after = code.slice(at).trimStart()[0] ?? '';
    const keeps =
      (/\w/.test(before) && /\w/.test(after)) ||
      (OPERATORS.includes(before) && OPERATORS.includes(after) && before !== '' && after !== '');
    return keeps ? ' ' : '';
  });
}
