import { type Mutant, mutants, suite } from './mutant.ts';

const onCpu = suite('test/conformance/sparse_teacher.test.ts', 'cpu');
const inJavaScript = suite('test/conformance/sparse_teacher.test.ts', 'cpu-js');
const composed = suite('test/conformance/sparse_teacher.test.ts', 'composed');

export const sparseMutants: Mutant[] = [
  ...mutants('src/backends/simd/sparse_rows.ts', inJavaScript, [
    {
      name: 'a class that is listed twice counts twice',
      find: '    if (u[id] < 0) continue; // the same class again\n',
      replace: '',
    },
    {
      name: 'what is not listed holds what is',
      find: 'u[coarse.classIds[r * k + j]] = 0;',
      replace: 'u[coarse.classIds[r * k + j]] = 1;',
    },
    {
      name: 'the logit of what is not listed is not in units of T',
      find: 'largest - max + t * Math.log(sumOfRest)',
      replace: 'largest - max + Math.log(sumOfRest)',
    },
    {
      name: 'rounding makes a row infinite',
      find: 'listed >= classes || left <= ROUNDING_OF_SUM',
      replace: 'listed >= classes',
    },
    {
      name: 'entries that sum to more than one leave less than nothing',
      find: 'Math.max(0, 1 - sumOfEntries)',
      replace: '1 - sumOfEntries',
    },
    {
      name: 'the gradient of the hard term is overwritten',
      find: '(adds ? row[id] : 0) + coarse.gradient',
      replace: 'coarse.gradient',
    },
    {
      name: 'evenly spread probability goes to masked classes',
      find: 'row[i] = isOther(i) ? each : 0;',
      replace: 'row[i] = each;',
    },
  ]),
  ...mutants('kernels/wasm/student_rows.ts', onCpu, [
    {
      name: 'the last classes of a row are left out of its sum',
      find: '  for (; u < end; u += 4) total += load<f32>(u);\n',
      replace: '',
    },
    {
      name: 'the gradient of a row is written over that of the hard term',
      find: 'v128.store(u + to, adds ? f32x4.add(v128.load(u + to), slope) : slope);',
      replace: 'v128.store(u + to, slope);',
    },
  ]),
  ...mutants('src/backends/composed/coarse_classes.ts', composed, [
    {
      name: 'the last of the same classes counts',
      find: 'logicalAnd(equal(some, all), less(order, later))',
      replace: 'logicalAnd(equal(some, all), less(later, order))',
    },
    {
      name: 'ids that are no class are no entry',
      find: 'where(invalid, Number.NaN, coarse)',
      replace: 'coarse',
    },
    {
      name: 'the logit of what is not listed is not in units of T',
      find: 'mul(log(maximum(total, 1)), temperature)',
      replace: 'log(maximum(total, 1))',
    },
  ]),
  ...mutants('src/ops/sparse_teacher.ts', onCpu, [
    {
      name: 'a bucket is compared at any temperature',
      find: "kind === 'logProbabilities' && tail === 'bucket' && temperature !== taken",
      replace: 'false',
    },
    {
      name: 'entries are not divided by their sum',
      find: "if (kind === 'renormalize') return { p: div(softened.e, softened.sum), tail: null };",
      replace: "if (kind === 'renormalize') return { p: softened.e, tail: null };",
    },
  ]),
];
