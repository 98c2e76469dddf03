import { type Mutant, mutants, suite } from './mutant.ts';

const words = suite('test/conformance/unknown_words.test.ts', 'cpu');
const flags = suite('test/conformance/flags.test.ts', 'wasm-threads-chromium');
const slices = suite('test/conformance/slices.test.ts', 'webgl-chromium');
const numerics = suite('test/conformance/numerics.test.ts', 'cpu', 'class ids');
const argumentChecks = suite('test/unit/arguments.test.ts', 'unit', 'ignoreIndex');
const runner = suite('test/unit/runner.test.ts', 'unit');
const commandLines = suite('test/unit/command_lines.test.ts', 'unit', 'endOnInterrupt');

/** What is checked or read before any arithmetic: words, flags, integers, cached values; and the tools around it. */
export const checkMutants: Mutant[] = [
  ...mutants('kernels/words.ts', words, [
    {
      name: 'what every object has is a word',
      find: 'if (Object.hasOwn(table, word)) return;',
      replace: 'if (word in table) return;',
    },
    {
      name: 'an unknown divergence is computed',
      find: "check('divergence', divergence, DIVERGENCES)",
      replace: "check('divergence', 'kl', DIVERGENCES)",
    },
  ]),
  ...mutants('src/backends/simd/kernel.ts', flags, [
    {
      name: 'the flag of relaxed SIMD has no effect after the first call',
      find: "kernels[fused ? 'fused' : 'unfused']",
      replace: 'kernels.fused',
    },
  ]),
  ...mutants('src/backends/values_on_cpu.ts', slices, [
    {
      name: 'a slice has the values of the whole tensor',
      find: 'return slice ? values.subarray(slice.flatOffset, slice.flatOffset + util.sizeFromShape(shape)) : values;',
      replace: 'return values;',
    },
    {
      name: 'a slice begins where the tensor does',
      find: 'values.subarray(slice.flatOffset, slice.flatOffset + util.sizeFromShape(shape))',
      replace: 'values.subarray(0, util.sizeFromShape(shape))',
    },
  ]),
  ...mutants('src/ops/labels.ts', numerics, [
    {
      name: 'ids in arrays are rounded to float32',
      find: "value instanceof Tensor || labels.dtype !== 'float32'",
      replace: 'true',
    },
  ]),
  ...mutants('src/arguments.ts', argumentChecks, [
    {
      name: 'int32 holds every integer',
      find: 'if (value === (value | 0)) return value;',
      replace: 'if (Number.isInteger(value)) return value;',
    },
  ]),
  ...mutants('test/runner/blocks.ts', runner, [
    {
      name: 'an error of an outer set-up is forgotten',
      find: 'const error = outerError ?? (await runAll(block.hooks.beforeAll, run));',
      replace: 'const error = await runAll(block.hooks.beforeAll, run);',
    },
    {
      name: 'a case runs though its set-up failed',
      find: 'const error = blockError ?? (await runWithHooks(of, block, run));',
      replace: 'const error = await runWithHooks(of, block, run);',
    },
    {
      name: 'what afterEach throws is lost',
      find: 'error ??= ofHook;',
      replace: '',
    },
  ]),
  ...mutants('scripts/interrupt.ts', commandLines, [
    {
      name: 'the cursor stays hidden',
      find: 'process.stderr.write(SHOW_CURSOR)',
      replace: "process.stderr.write('')",
    },
  ]),
];
