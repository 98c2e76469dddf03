import { type Mutant, mutants, suite } from './mutant.ts';

const values = suite('test/conformance/values.test.ts', 'wasm');
const numerics = suite('test/conformance/numerics.test.ts', 'wasm');
const faults = suite('test/conformance/faults.test.ts', 'wasm');

export const wasmMutants: Mutant[] = [
  ...mutants('kernels/wasm/row_pass.ts', values, [
    {
      name: 'the classes behind the last sixteen are left out',
      find: '  if (rest) sweepSoft(secondPad, firstPad, secondPad, firstPad, 16);\n',
      replace: '',
    },
    {
      name: 'a pad is filled with classes that have mass',
      find: 'fillPad(studentPad, student + wholeBytes, rest, -Infinity);',
      replace: 'fillPad(studentPad, student + wholeBytes, rest, 0);',
    },
    {
      name: 'a sign in the cross entropy',
      find: 'soft = log(sumStudent) - LN_2 * mean;',
      replace: 'soft = log(sumStudent) + LN_2 * mean;',
    },
    {
      name: 'T in place of T^2 in the loss',
      find: 'softWeight * (mode & SCALE_BY_T_SQUARED ? temperature * temperature : 1) * soft',
      replace: 'softWeight * (mode & SCALE_BY_T_SQUARED ? temperature : 1) * soft',
    },
    {
      name: 'the gradient is not divided by T',
      find: '(mode & SCALE_BY_T_SQUARED ? temperature * temperature : 1)) / temperature;',
      replace: '(mode & SCALE_BY_T_SQUARED ? temperature * temperature : 1));',
    },
    {
      name: 'reverseKl is kl',
      find: '  if (mode & EXCHANGED) {\n    first = student;',
      replace: '  if (false) {\n    first = student;',
    },
    { name: 'KL leaves out log sv', find: 'max(soft - log(sumTeacher), 0)', replace: 'max(soft, 0)' },
    {
      name: 'no row is nearly equal',
      find: 'near = classes > 1 && highest - lowest <= limit;',
      replace: 'near = false;',
      killedBy: numerics,
    },
    {
      name: 'a row of one class is nearly equal',
      find: 'near = classes > 1 && highest',
      replace: 'near = highest',
      killedBy: numerics,
    },
    {
      name: 'lambda of a nearly equal row leaves out its second-order part',
      find: 'meanExcess = mean + rho;',
      replace: 'meanExcess = mean;',
      killedBy: numerics,
    },
    { name: 'every row has the first weight', find: '    if (weights) weights += 4;\n', replace: '' },
    { name: 'every row has the first T', find: '    if (temperatures) temperatures += 4;\n', replace: '' },
    {
      name: 'a row of weight 0 is computed',
      find: '    if (weight != 0) value = ',
      replace: '    value = ',
      killedBy: numerics,
    },
    {
      name: 'a class id of C is read',
      find: '(<u32>load<i32>(labels) < <u32>classes)',
      replace: '(<u32>load<i32>(labels) <= <u32>classes)',
      killedBy: numerics,
    },
    {
      name: 'smoothing has the wrong sign',
      find: 'below = (labelSmoothing / classes) * sumLabelled;',
      replace: 'below = -(labelSmoothing / classes) * sumLabelled;',
    },
    {
      name: 'the label of a row keeps its whole weight when smoothed',
      find: '<f32>(weight * hardWeight * (1 - labelSmoothing))',
      replace: '<f32>(weight * hardWeight)',
    },
    {
      name: 'a divergence may be negative',
      find: 'soft = max(rho - excess, 0);',
      replace: 'soft = rho - excess;',
      killedBy: numerics,
    },
  ]),
  ...mutants('kernels/wasm/sweeps.ts', values, [
    {
      name: 'a shift of the logits takes its rounding into a nearly equal row',
      find: '      if (isShifted) {',
      replace: '      if (false) {',
      killedBy: numerics,
    },
    {
      name: 'a row is nearly equal once a block of it is',
      find: 'second = sweepRange(second, first, n, limit);',
      replace: 'sweepRange(second, first, min(n, 256), limit);',
      killedBy: numerics,
    },
    {
      name: '0 times -Infinity is summed',
      find: 'return v128.and(f32x4.mul(w, x), f32x4.ne(w, f32x4.splat(0)));',
      replace: 'return f32x4.mul(w, x);',
      killedBy: numerics,
    },
    {
      name: 'a vector in four has the w of its neighbour',
      find: 'const x3 = share(w3, isKl ? f32x4.sub(a3, b3) : a3);',
      replace: 'const x3 = share(w2, isKl ? f32x4.sub(a3, b3) : a3);',
    },
  ]),
  ...mutants('src/backends/wasm/index.ts', faults, [
    {
      name: 'memory is viewed before a tensor is brought over',
      find: '  bringOver(backend, [teacher, student, temperature, labels, weights]);\n',
      replace: '',
    },
  ]),
];
