import { type Mutant, mutants, suite } from './mutant.ts';

/** How rows come to the SIMD kernel, and what it leaves. */
const values = suite('test/conformance/values.test.ts', 'cpu');
const blocks = suite('test/conformance/tensorflow_blocks.test.ts', 'tensorflow');

export const memoryMutants: Mutant[] = [
  ...mutants('src/backends/simd/staging.ts', values, [
    {
      name: 'the last block of rows is as large as the others',
      find: 'const count = Math.min(size, rows - n);',
      replace: 'const count = size;',
    },
    {
      name: 'every block has the labels of the first',
      find: 'copy(to, block.labels, labels, n * labelSize, count * labelSize);',
      replace: 'copy(to, block.labels, labels, 0, count * labelSize);',
    },
    {
      name: 'every block has the temperatures and weights of the first',
      find: 'copy(floats, block[name], values, n, count)',
      replace: 'copy(floats, block[name], values, 0, count)',
    },
    {
      name: 'losses of a block go where those of the first went',
      find: 'loss?.set(floats.subarray(results, results + count), n);',
      replace: 'loss?.set(floats.subarray(results, results + count), 0);',
    },
    {
      name: 'a hard term has no room of its own',
      find: 'staged.labels === null ? 0 : (classes + 3) & ~3',
      replace: '0',
    },
  ]),
  ...mutants('src/backends/simd/unwritten.ts', values, [
    {
      name: 'a result is as long as its bytes',
      find: 'Buffer.allocUnsafeSlow(4 * size)',
      replace: 'Buffer.allocUnsafeSlow(16 * size)',
    },
  ]),
  ...mutants('kernels/wasm/row_pass.ts', values, [
    {
      name: 'the gradient of an ignored row is what its memory held',
      find: 'if (weight == 0 || value != value) v128',
      replace: 'if (weight != 0 && value != value) v128',
    },
  ]),
  ...mutants('src/backends/node/handles.ts', blocks, [
    {
      name: 'what TensorFlow was given for one call stays with it',
      find: 'this.end(...this.held);',
      replace: '',
    },
  ]),
  ...mutants('src/backends/node/blocks.ts', blocks, [
    {
      name: 'every aligned block is read from the first row',
      find: 'handles.slice(flat, [start], [length])',
      replace: 'handles.slice(flat, [0], [length])',
    },
    {
      name: 'every other block is read from the first row',
      find: '[start / classes, 0]',
      replace: '[0, 0]',
    },
    {
      name: 'what lies behind the last block stays in the gradient',
      find: 'handles.slice(handles.reshape(this.tensor, [-1]), [0], [rows * classes])',
      replace: 'handles.slice(handles.reshape(this.tensor, [-1]), [classes], [rows * classes])',
    },
    {
      name: 'blocks are written over one another',
      find: '(n / this.block) * parts',
      replace: 'n / this.block',
    },
    {
      name: 'a block is cut where a number is lost',
      find: 'if (size % parts === 0)',
      replace: 'if (size > parts)',
    },
  ]),
];
