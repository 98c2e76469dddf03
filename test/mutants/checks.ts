import { type Mutant, mutants, suite } from './mutant.ts';

const words = suite('test/conformance/unknown_words.test.ts', 'cpu');
const flags = suite('test/conformance/flags.test.ts', 'wasm-threads-chromium');
const slices = suite('test/conformance/slices.test.ts', 'webgl-chromium');
const numerics = suite('test/conformance/numerics.test.ts', 'cpu', 'class ids');
const argumentChecks = suite('test/unit/arguments.test.ts', 'unit', 'ignoreIndex');
const runner = suite('test/unit/runner.test.ts', 'unit');
const compilerTables = suite('test/unit/compiler_tables.test.ts', 'unit');
const commandLines = suite('test/unit/command_lines.test.ts', 'unit', 'endOnInterrupt');

/**
 * What is checked or read before any arithmetic: words, flags, integers, cached values; and the tools around
 * it.
 */
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
      find: "value instanceof Tensor || ids.dtype !== 'float32'",
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
  ...mutants('benchmarks/compilers/table.ts', compilerTables, [
    {
      name: 'a variant that starts to spill is let through',
      find: 'row.spilled.some((count, k) => count > old.spilled[k]) || row',
      replace: 'row',
    },
    {
      name: 'a variant that spills to memory is let through',
      find: ' || row.scratchBytes > old.scratchBytes',
      replace: '',
    },
    {
      name: 'a lost step of occupancy is let through',
      find: 'if (row.occupancy < old.occupancy)',
      replace: 'if (row.occupancy < old.occupancy - 1)',
    },
    {
      name: 'a variant that is not in the table is let through',
      find: "['not in the table', ...(spills ? [spillsOf(row)] : [])]",
      replace: '[]',
    },
    {
      name: 'writing the table of one chip loses the others',
      find: 'rows.length > 0 ? rows : before.filter((row) => row.chip === chip)',
      replace: 'rows',
    },
  ]),
  ...mutants('benchmarks/compilers/assembly.ts', compilerTables, [
    {
      name: 'what loops within a sweep counts for the sweep',
      find: ' && !inner.some(([a, b]) => i >= a && i <= b)',
      replace: '',
    },
    {
      name: 'loads of constants count as loads of a lane',
      find: 'load: /^(?:buffer|',
      replace: 'load: /^(?:s_buffer|buffer|',
    },
    {
      name: 'a load of four words counts as one word',
      find: '4 * Number(words[1] ?? 1)',
      replace: '4',
    },
  ]),
  ...mutants('benchmarks/compilers/sass_report.ts', compilerTables, [
    {
      name: 'what NVIDIA spills is not seen',
      find: "scratch: resource('STACK') + resource('LOCAL')",
      replace: "scratch: resource('LOCAL')",
    },
    {
      name: 'registers are given singly',
      find: 'WARP * REGISTER_STEP * Math.ceil(registers / REGISTER_STEP)',
      replace: 'WARP * registers',
    },
    {
      name: 'parts of workgroups are counted',
      find: 'Math.floor(has.registers / ofWarp / warps)',
      replace: 'has.registers / ofWarp / warps',
    },
  ]),
  ...mutants('benchmarks/compilers/radv_report.ts', compilerTables, [
    {
      name: 'a statistic that is missing passes for none',
      find: 'if (value === undefined) throw',
      replace: 'if (value === undefined) return 0;\n    if (Number.isNaN(value)) throw',
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
