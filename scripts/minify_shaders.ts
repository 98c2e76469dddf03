/**
 * Shortens the shaders of src/generated for what npm gets: their own names become a letter or two, spaces go. A word has one name in all files of a language
 * where a file declares it for all to see, and one in all functions that declare it for themselves: a small letter there, the same for words that never meet, so that
 * functions look alike to a compressor. What TypeScript or tfjs names stays: a word that occurs in a string of the backend's sources, or that no file declares, is
 * left alone. In one scope two different words stay different.
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
  const kept = new Set(wordsInStrings(readBackend(language)));
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

/** Names, uniforms and constants by which TypeScript speaks to the shaders are strings there, if only in a type. */
function wordsInStrings(typescript: string): string[] {
  const code = typescript.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  return [...code.matchAll(/'([^'\n]*)'|`([^`]*)`/g)].flatMap(([text]) => text.match(WORD) ?? []);
}

export function minifyShaders(
  shaders: string[],
  language: ShaderLanguage,
  kept: ReadonlySet<string>,
): string[] {
  const all = shaders.join('\n');
  const ofLanguage = [...all.matchAll(LANGUAGE_WORDS)].flatMap(([words]) => words.match(WORD) ?? []);
  const fixed = new Set([...kept, ...ofLanguage, 'main']);
  const parts = shaders.map((shader) => partsOf(shader, language));
  const outside = parts.flatMap((of) => of.filter((part) => !part.isFunction)).map(({ text }) => text);
  const structs = [...all.matchAll(/\bstruct\s+(\w+)/g)].map(([, name]) => name);
  const shared = declaredIn(outside.join('\n'), language, structs).filter(
    (word) => !fixed.has(word) && !SWIZZLE.test(word),
  );
  const namesOfShared = shorten(shared, all);
  const ownOf = ({ text, isFunction }: Part) => {
    const declared = isFunction ? declaredIn(text, language, structs) : [];
    return new Set(declared.filter((word) => !fixed.has(word) && !namesOfShared.has(word)));
  };
  const scopes = parts.flat().map((part) => ({ own: ownOf(part), words: part.text.match(WORD) ?? [] }));
  const namesOfOwn = shortenOwn(scopes, namesOfShared);
  const rename = (part: Part) => {
    const own = ownOf(part);
    return part.text.replace(WORD, (word, at: number) => {
      const isMember = part.text[at - 1] === '.'; // which is never what a function declares for itself
      if (own.has(word) && !isMember) return namesOfOwn.get(word) ?? word;
      return namesOfShared.get(word) ?? word;
    });
  };
  return parts.map((of) => squeeze(of.map(rename).join('')));
}

/** The most used first; never a word that any file uses, nor a letter that a function may give to what it declares. */
function shorten(words: readonly string[], all: string): Map<string, string> {
  const uses = new Map<string, number>();
  for (const [word] of all.matchAll(WORD)) uses.set(word, (uses.get(word) ?? 0) + 1);
  const names = shortNames([...CAPITALS, ...pairsOf(LETTERS)], (name) => uses.has(name));
  const byUse = words.toSorted((a, b) => (uses.get(b) ?? 0) - (uses.get(a) ?? 0));
  return new Map(byUse.map((word) => [word, names.next().value ?? word]));
}

interface Scope {
  own: ReadonlySet<string>;
  words: readonly string[];
}

/** What functions declare for themselves: a word has one name in all of them, the most used first the first that nothing else has in any of these functions. */
function shortenOwn(
  scopes: readonly Scope[],
  namesOfShared: ReadonlyMap<string, string>,
): Map<string, string> {
  const uses = new Map<string, number>();
  for (const { own, words } of scopes)
    for (const word of words) if (own.has(word)) uses.set(word, (uses.get(word) ?? 0) + 1);
  const byUse = [...uses.keys()].sort((a, b) => (uses.get(b) ?? 0) - (uses.get(a) ?? 0));
  const namesOfOwn = new Map<string, string>();
  for (const word of byUse) {
    const taken = new Set(
      scopes
        .filter(({ own }) => own.has(word))
        .flatMap(({ own, words }) =>
          words.map((other) =>
            own.has(other) ? namesOfOwn.get(other) : (namesOfShared.get(other) ?? other),
          ),
        ),
    );
    const name = shortNames(LOWER, (name) => taken.has(name)).next().value;
    namesOfOwn.set(word, name ?? word);
  }
  return namesOfOwn;
}

interface Part {
  text: string;
  /** From the parameters to the last brace. */
  isFunction: boolean;
}

const FUNCTION_HEAD: Record<ShaderLanguage, RegExp> = {
  wgsl: /\bfn\s+\w+\s*(\([\s\S]*)$/,
  glsl: /\w\s+\w+\s*(\([^()]*\)\s*)$/,
};

/** A shader in pieces that together are it. */
function partsOf(shader: string, language: ShaderLanguage): Part[] {
  const parts: Part[] = [];
  let start = 0;
  let depth = 0;
  let inFunction = false;
  for (let at = 0; at < shader.length; at++) {
    if (shader[at] === '{' && depth++ === 0) {
      const parameters = FUNCTION_HEAD[language].exec(shader.slice(start, at))?.[1];
      inFunction = parameters !== undefined;
      if (parameters === undefined) continue;
      parts.push({ text: shader.slice(start, at - parameters.length), isFunction: false });
      start = at - parameters.length;
    }
    if (shader[at] === '}' && --depth === 0 && inFunction) {
      parts.push({ text: shader.slice(start, at + 1), isFunction: true });
      start = at + 1;
    }
  }
  if (depth !== 0) throw new Error(`minifyShaders: braces do not match in\n${shader}`);
  return [...parts, { text: shader.slice(start), isFunction: false }];
}

/** WGSL's attributes, with what stands in their brackets, and address spaces: names that a variable may have too. */
const LANGUAGE_WORDS = /@\w+(?:\([^)]*\))?|\bvar<[^>]*>/g;

const GLSL_TYPES = 'void|bool|int|uint|float|[biu]?vec[234]|mat[234]|sampler2D';

/** The names that a text declares, as far as they are plain to see, in their order; the others stay as they are, everywhere. */
function declaredIn(source: string, language: ShaderLanguage, structs: readonly string[]): string[] {
  const patterns: RegExp[] = [];
  switch (language) {
    case 'wgsl':
      patterns.push(/\b(?:fn|struct|let|const|override|alias|var(?:<[^>]*>)?)\s+([A-Za-z_]\w*)/g);
      patterns.push(/[,({\n]\s*([A-Za-z_]\w*)\s*:/g); // parameters and members
      patterns.push(/@builtin\(\w+\)\s+([A-Za-z_]\w*)/g);
      break;
    case 'glsl': {
      const types = [GLSL_TYPES, ...structs].join('|');
      patterns.push(/\bstruct (\w+)/g, /^#define (\w+)/gm);
      patterns.push(new RegExp(`\\b(?:${types})\\s+([A-Za-z_]\\w*)`, 'g'));
      break;
    }
    default:
      language satisfies never;
  }
  const found = patterns.flatMap((pattern) => [...source.matchAll(pattern)]);
  const names = found.toSorted((a, b) => a.index - b.index).map(([, name]) => name);
  return [...new Set(names)].filter((name) => name !== 'default');
}

const SWIZZLE = /^([xyzw]+|[rgba]+|[stpq]+)$/;

const LOWER = [...'abcdefghijklmnopqrstuvwxyz'];
const CAPITALS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const LETTERS = [...LOWER, ...CAPITALS];
const pairsOf = (letters: readonly string[]) =>
  letters.flatMap((first) => letters.map((last) => first + last));

/** Two letters that mean something in one of the languages. */
const RESERVED = new Set(['as', 'do', 'if', 'in', 'is', 'of', 'fn']);

function* shortNames(
  names: readonly string[],
  isTaken: (name: string) => boolean,
): Generator<string, undefined> {
  for (const name of names) if (!isTaken(name) && !RESERVED.has(name)) yield name;
}

const OPERATORS = '+-*/%&|^<>=!';

/** Lines of the preprocessor stay lines; elsewhere a space stays only between words and between operators, 1.0 becomes 1. and vec4<f32> vec4f. */
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
