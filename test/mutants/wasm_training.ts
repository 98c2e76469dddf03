import { type Mutant, mutants, suite } from './mutant.ts';

const training = (cases: string) => suite('test/conformance/wasm_training.test.ts', 'wasm', cases);
const matMul = training('matMul');
const filters = training('gradient to a filter');

export const wasmTrainingMutants: Mutant[] = [
  ...mutants('kernels/wasm/matmul.ts', matMul, [
    {
      name: 'sums of a later block of k are written, not added',
      find: 'const add = accumulate || depth > 0;',
      replace: 'const add = accumulate;',
    },
    {
      name: 'a tile at an edge is written whole',
      find: 'if (isWide && row + MR <= rows) {',
      replace: 'if (isWide) {',
    },
    {
      name: 'every block of columns has the first columns of B',
      find: 'pack(b + depth * bRow + column * bColumn,',
      replace: 'pack(b + depth * bRow,',
    },
    {
      name: 'every block of rows has the first rows of A',
      find: 'pack(a + row * aRow + depth * aColumn,',
      replace: 'pack(a + depth * aColumn,',
    },
  ]),
  ...mutants('src/wasm_training/batch_mat_mul.ts', matMul, [
    {
      name: 'every batch has the first matrix of b',
      find: '{ ...ofB, offset: placesB(n) * ofB.rows * ofB.columns },',
      replace: '{ ...ofB, offset: 0 },',
    },
    {
      name: 'a batch that is broadcast is not',
      find: 'if (size !== 1) place += (n % batchShape[axis]) * step;',
      replace: 'place += (n % batchShape[axis]) * step;',
    },
    {
      name: 'a sum of nothing is what lay in memory',
      find: 'backend.typedArrayFromHeap(out).fill(0);',
      replace: 'backend.typedArrayFromHeap(out).fill(1);',
      killedBy: training('sums of nothing'),
    },
  ]),
  ...mutants('src/wasm_training/conv_2d_backprop_filter.ts', filters, [
    {
      name: 'the images of a later block replace those before',
      find: '{ info: out, accumulate: image > 0 },',
      replace: '{ info: out, accumulate: false },',
    },
    {
      name: 'patches at the left edge keep what stood there',
      find: 'if (first > 0) patches.fill(0, at, at + first * inChannels);',
      replace: '',
    },
    {
      name: 'the stride of rows is that of columns',
      find: 'const y = row * strideHeight - padInfo.top + line;',
      replace: 'const y = row * strideWidth - padInfo.top + line;',
    },
  ]),
  ...mutants('src/wasm_training/unsorted_segment_sum.ts', training('unsortedSegmentSum is'), [
    {
      name: 'the last of a segment stands for its sum',
      find: 'sums[segment * size + i] += values[n * size + i];',
      replace: 'sums[segment * size + i] = values[n * size + i];',
    },
  ]),
  ...mutants('src/wasm_training/index.ts', training('clone shares|registerWasmTraining'), [
    {
      name: 'a clone takes its data with it',
      find: '  (backend as KernelBackend).incRef(x.dataId);\n',
      replace: '',
    },
    {
      name: 'unregistering leaves nothing where tfjs had a kernel',
      find: 'if (config.replaced !== null) registerKernel(config.replaced);',
      replace: '',
    },
  ]),
];
