import { join } from 'node:path';
import ts from 'typescript';
import { runScript } from './run_program.ts';
import { packedPackage } from './tarball.ts';

const { project } = packedPackage();

function compile(file: string, module: string, moduleResolution: string, more: string[] = []): void {
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022'];
  const tsc = join(project, 'node_modules/typescript/bin/tsc');
  const modules = ['--module', module, '--moduleResolution', moduleResolution];
  runScript([tsc, ...options, ...modules, ...more, join(project, 'types', file)], project);
}

describe('the types of the packed tarball', () => {
  it('serve an ES module of Node', () => compile('esm.mts', 'nodenext', 'nodenext'));
  it('serve a CommonJS module of Node', () => compile('commonjs.cts', 'nodenext', 'nodenext'));
  it('serve the subpath for tfjs-layers', () => compile('layers.ts', 'esnext', 'bundler'));
  it('serve programs with the strictest options, and say which results are scalars', () =>
    compile('strictest.ts', 'esnext', 'bundler', [
      '--noUncheckedIndexedAccess',
      '--exactOptionalPropertyTypes',
    ]));
  it('serve core and the entry of a backend', () => compile('one_backend.ts', 'esnext', 'bundler'));
  it('serve core to a CommonJS compiler of old, by typesVersions', () =>
    compile('one_backend.ts', 'commonjs', 'node10', ['--ignoreDeprecations', '6.0']));
  it('serve what a bundler builds', () => compile('bundler.ts', 'esnext', 'bundler'));

  for (const file of ['index.d.ts', 'index.d.cts', 'layers.d.ts', 'layers.d.cts']) {
    it(`in ${file} say of all that is exported what it is, where editors look for it`, () =>
      expect(withoutComment(join(project, 'node_modules/tfjs-distill/dist', file))).toEqual([]));
  }
});

/** What a module exports without a comment, and the members of its types, as `Type.member`. */
function withoutComment(file: string): string[] {
  const program = ts.createProgram([file], { skipLibCheck: true, module: ts.ModuleKind.NodeNext });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is no module.`);
  const exported = checker.getExportsOfModule(module).map((symbol) => {
    return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  });
  expect(exported.length).toBeGreaterThan(5);
  const isOurs = ({ declarations = [] }: ts.Symbol) =>
    declarations.some((declaration) => declaration.getSourceFile().fileName.includes('/tfjs-distill/dist/'));
  const isPrivate = ({ declarations = [] }: ts.Symbol) =>
    declarations.some((declaration) => ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private);
  const hasComment = (symbol: ts.Symbol) => symbol.getDocumentationComment(checker).length > 0;
  return exported.flatMap((symbol) => {
    const isType = symbol.flags & (ts.SymbolFlags.Type | ts.SymbolFlags.TypeAlias);
    const type = isType ? checker.getDeclaredTypeOfSymbol(symbol) : null;
    const members =
      type && !type.isUnion()
        ? type.getProperties().filter((member) => isOurs(member) && !isPrivate(member))
        : [];
    return [
      ...(hasComment(symbol) ? [] : [symbol.name]),
      ...members.filter((member) => !hasComment(member)).map((member) => `${symbol.name}.${member.name}`),
    ];
  });
}
