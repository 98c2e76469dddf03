import { type Mutant, mutants, suite } from './mutant.ts';

const values = suite('test/conformance/values.test.ts', 'wasm');
const numerics = suite('test/conformance/numerics.test.ts', 'wasm');
const groups = suite('test/unit/wasm_groups.test.ts', 'unit');
const faults = suite('test/conformance/faults.test.ts', 'wasm');

export const wasmMutants: Mutant[] = [
  ...mutants('kernels/wasm/row_pass.ts', values, [
    {
      name: 'the classes behind the last sixteen are left out',
      find: '  if (rest) {\n    work(',
      replace: '  if (false) {\n    work(',
    },
    {
      name: 'the gradient of the classes behind the last sixteen stays in its pad',
      find: 'if (step == WRITE_GRADIENT) mergeRest(',
      replace: 'if (false) mergeRest(',
    },
    {
      name: 'a pad is filled with classes that have mass',
      find: 'bringIn(students, studentPad, -Infinity);',
      replace: 'bringIn(students, studentPad, 0);',
    },
    {
      name: 'a row by itself has the maximum of a part of its classes',
      find: 'slot <= HIGHEST; slot += 32) foldMaximum(slot);',
      replace: 'slot < MAX_FIRST; slot += 32) foldMaximum(slot);',
    },
    {
      name: 'a sign in the cross entropy',
      find: 'soft -= LN_2 * mean;',
      replace: 'soft += LN_2 * mean;',
    },
    {
      name: 'T in place of T^2 in the loss',
      find: 'softWeight * (mode & SCALE_BY_T_SQUARED ? temperature * temperature : 1)',
      replace: 'softWeight * (mode & SCALE_BY_T_SQUARED ? temperature : 1)',
    },
    {
      name: 'the gradient is not divided by T',
      find: 'let toU = toSoft * load<f32>(at, INVERSE_T);',
      replace: 'let toU = toSoft;',
    },
    {
      name: 'reverseKl is kl',
      find: '  first = isExchanged ? student : teacher;\n  second = isExchanged ? teacher : student;\n',
      replace: '  first = teacher;\n  second = student;\n',
    },
    {
      name: 'KL leaves out log sv',
      find: 'max(soft - load<f64>(sums, SUM_TEACHER + TO_LOG), 0)',
      replace: 'max(soft, 0)',
    },
    {
      name: 'no row is nearly equal',
      find: 'classes > 1 ? 0.25 : NaN;',
      replace: 'classes > 1 ? NaN : NaN;',
      killedBy: numerics,
    },
    {
      name: 'a row of one class is nearly equal',
      find: '!= TO_FIRST && classes > 1 ?',
      replace: '!= TO_FIRST ?',
      killedBy: numerics,
    },
    {
      name: 'rows are nearly equal if one of their group is',
      find: '      if (!areMixed && areNear % 15) {',
      replace: '      if (false) {',
      killedBy: groups,
    },
    {
      name: 'of rows that are told apart the last kind is forgotten',
      find: '    } while (next < behind);',
      replace: '    } while (next < others);',
      killedBy: groups,
    },
    {
      name: 'more rows are told apart than there is room for',
      find: 'const MOST_SORTED: i32 = 256;',
      replace: 'const MOST_SORTED: i32 = 1024;',
      killedBy: groups,
    },
    {
      name: 'rows are told apart by what lies before them too',
      find: 'v128.or(f32x4.sub(v128.load(last), v128.load(last + toV)), notOfRow)',
      replace: 'f32x4.sub(v128.load(last), v128.load(last + toV))',
      killedBy: groups,
    },
    {
      name: 'rows are told apart without their last classes',
      find: 'v128.or(f32x4.sub(v128.load(last), v128.load(last + toV)), notOfRow)',
      replace: 'v128.or(f32x4.sub(v128.load(min(z, last)), v128.load(min(z, last) + toV)), notOfRow)',
      killedBy: groups,
    },
    {
      name: 'rows are told apart by the temperature of another',
      find: 'temperaturesOfAll + (<usize>row << 2)) * limit',
      replace: 'temperaturesOfAll) * limit',
      killedBy: groups,
    },
    {
      name: 'a tail of rows goes with a group where kinds are mixed',
      find: '    setGroup(done < inGroups);\n    const count = isGroup ? min(inGroups - done,',
      replace: '    setGroup(areMixed || done < inGroups);\n    const count = isGroup ? min(rows - done,',
      killedBy: groups,
    },
    {
      name: 'lanes without a row write over the last one of the group',
      find: '      lane -= 4;\n      const row = ofRow(all, lanes + lane, rowBytes);',
      replace: '      lane -= 4;\n      const row = ofRow(all, lanes + 12 - lane, rowBytes);',
      killedBy: groups,
    },
    {
      name: 'lanes without a row have the number of some other',
      find: 'store<u32>(lane, load<u32>(lanes, ROW), ROW);',
      replace: 'store<u32>(lane, 0, ROW);',
      killedBy: groups,
    },
    {
      name: 'an odd number of classes is followed by what memory held',
      find: '    v128.store(pad + (<usize>classes << 4), f32x4.splat(filler));',
      replace: '   ',
      killedBy: groups,
    },
    {
      name: 'lambda of a nearly equal row leaves out its second-order part',
      find: 'const s = mean + sumStudent * oneOverTeacher;',
      replace: 'const s = mean;',
      killedBy: numerics,
    },
    {
      name: 'every row of a group has the first weight',
      find: 'load<f32>(ofRow(weightsOfAll, at, 4))',
      replace: 'load<f32>(ofRow(weightsOfAll, lanes, 4))',
    },
    {
      name: 'every group has the first weights',
      find: 'load<f32>(ofRow(weightsOfAll, at, 4))',
      replace: 'load<f32>(weightsOfAll + (at - lanes))',
    },
    {
      name: 'every group has the first temperatures',
      find: 'setTemperature(at, load<f32>(ofRow(temperaturesOfAll, at, 4)))',
      replace: 'setTemperature(at, load<f32>(temperaturesOfAll + (at - lanes)))',
    },
    {
      name: 'every row of a group is computed at the T of the last',
      find: 'setTemperature(at, load',
      replace: 'setTemperature(lanes, load',
    },
    {
      name: 'a row of weight 0 is computed',
      find: 'if (weight != 0) value = ',
      replace: 'value = ',
      killedBy: numerics,
    },
    {
      name: 'NaN is not seen where its class has no mass',
      find: 'sumStudent + sumTeacher < Infinity && ',
      replace: '',
      killedBy: numerics,
    },
    {
      name: 'a class id of C is read',
      find: '(<u32>label < <u32>classes)',
      replace: '(<u32>label <= <u32>classes)',
      killedBy: numerics,
    },
    {
      name: 'smoothing has the wrong sign',
      find: 'partOfLabels = <f32>(labelSmoothing / classes);',
      replace: 'partOfLabels = <f32>(-labelSmoothing / classes);',
    },
    {
      name: 'the label of a row keeps its whole weight when smoothed',
      find: '<f32>(toHard * (1 - labelSmoothing))',
      replace: '<f32>toHard',
    },
  ]),
  ...mutants('kernels/wasm/lanes.ts', values, [
    {
      name: 'two rows of a group have the sums of the two before',
      find: 'f64x2.add(v128.load(sum, 16), high)',
      replace: 'f64x2.add(v128.load(sum, 16), low)',
    },
    {
      name: 'half of the classes are missing in the sums of a row by itself',
      find: 'const both = f64x2.add(low, high);',
      replace: 'const both = low;',
    },
  ]),
  ...mutants('kernels/wasm/scalars.ts', numerics, [
    {
      name: 'a divergence may be negative',
      find: 'f64x2.pmax(f64x2.add(f64x2.mul(p, t), rho), f64x2.splat(0))',
      replace: 'f64x2.add(f64x2.mul(p, t), rho)',
    },
    {
      name: 'KL of a nearly equal row ends with the first term of its series',
      find: '    p = f64x2.sub(f64x2.mul(p, t2), s);',
      replace: '    p = f64x2.neg(s);',
    },
    {
      name: 'two rows of a group have the KL of the two before',
      find: '    const rho = f64x2.mul(v128.load(at, SUM_STUDENT), oneOverTeacher);',
      replace: '    const rho = f64x2.mul(v128.load(lanes, SUM_STUDENT), oneOverTeacher);',
      killedBy: groups,
    },
  ]),
  ...mutants('kernels/wasm/sweeps.ts', values, [
    {
      name: 'a shift of the logits takes its rounding into a nearly equal row',
      find: '    if (isAnyShifted) {',
      replace: '    if (false) {',
      killedBy: numerics,
    },
    {
      name: 'a row is computed another way beside one that is shifted',
      find: 'v128.and(roundingOf(d1, z1, v1), areShifted)',
      replace: 'roundingOf(d1, z1, v1)',
      killedBy: groups,
    },
    {
      name: 'a row is nearly equal once a block of it is',
      find: '  if (v128.any_true(f32x4.le(f32x4.sub(high, low)',
      replace:
        '  if (f32x4.extract_lane(high, 0) == -Infinity && v128.any_true(f32x4.le(f32x4.sub(high, low)',
      killedBy: numerics,
    },
    {
      name: '0 times -Infinity is summed',
      find: 'return v128.and(f32x4.mul(w, x), f32x4.ne(w, f32x4.splat(0)));',
      replace: 'return f32x4.mul(w, x);',
      killedBy: numerics,
    },
    {
      name: 'expm1 of a nearly equal row leaves out its second-order part',
      find: '      v128.store(to, f32x4.add(m1, r1), 16);',
      replace: '      v128.store(to, m1, 16);',
      killedBy: numerics,
    },
    {
      name: 'every other vector has the w of its neighbour',
      find: 'const x1 = share(w1, isKl ? f32x4.sub(a1, b1) : a1);',
      replace: 'const x1 = share(w0, isKl ? f32x4.sub(a1, b1) : a1);',
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
