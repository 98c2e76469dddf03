import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { blockName, type CodeBlock } from './code_blocks.ts';
import { BLOCKS_FOLDER, PACKAGE_PATHS } from './run_block.ts';

/** What the compiler says of each block, as one program against src/; blocks without errors are not in it. */
export function compileBlocks(blocks: CodeBlock[]): Map<CodeBlock, string> {
  rmSync(BLOCKS_FOLDER, { recursive: true, force: true });
  mkdirSync(BLOCKS_FOLDER, { recursive: true });
  const blockOf = new Map(
    blocks.map((block) => {
      const path = resolve(BLOCKS_FOLDER, `${blockName(block)}.ts`);
      writeFileSync(path, `${block.code}\nexport {};\n`);
      return [path, block];
    }),
  );
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile('tsconfig.json', ts.sys.readFile).config,
    ts.sys,
    resolve('.'),
  );
  const program = ts.createProgram([...blockOf.keys()], {
    ...options,
    noUnusedLocals: false,
    noImplicitAny: false,
    paths: Object.fromEntries(Object.entries(PACKAGE_PATHS).map(([name, path]) => [name, [path]])),
  });
  const errors = new Map<CodeBlock, string>();
  for (const { file, start, messageText } of ts.getPreEmitDiagnostics(program)) {
    const block = file && blockOf.get(join(file.fileName));
    const message = ts.flattenDiagnosticMessageText(messageText, '\n');
    if (!block) throw new Error(`${file?.fileName}: ${message}`);
    const line =
      start === undefined ? '' : block.code.split('\n')[file.getLineAndCharacterOfPosition(start).line];
    errors.set(block, `${errors.get(block) ?? ''}${message}\n    ${line}\n`);
  }
  return errors;
}
