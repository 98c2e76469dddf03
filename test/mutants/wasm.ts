import { type Mutant, mutants, suite } from './mutant.ts';

const values = suite('test/conformance/values.test.ts', 'wasm');
const numerics = suite('test/conformance/numerics.test.ts', 'wasm');
const groups = suite('test/unit/wasm_groups.test.ts', 'unit');
const metrics = suite('test/conformance/metrics.test.ts', 'wasm');
const teacherTemperature = suite('test/conformance/teacher_temperature.test.ts', 'wasm');
const faults = suite('test/conformance/faults.test.ts', 'wasm');

export const wasmMutants: Mutant[] = [
  ...mutants('kernels/wasm/row_pass.ts', values, [
    {
      name: 'the gradient of the classes behind the last sixteen stays in its pad',
      find: '    mergeRest(target + rowBytes - PAD, secondPad);\n',
      replace: '',
    },
    {
      name: 'T in place of T^2 in the loss',
      find: '(scalesByTemperatureSquared ? t * t : 1)',
      replace: '(scalesByTemperatureSquared ? t : 1)',
    },
    {
      name: 'every row of a group has the first weight',
      find: 'load<f32>(ofRow(weights, at, 4))',
      replace: 'load<f32>(ofRow(weights, lanes, 4))',
    },
    {
      name: 'every group has the first weights',
      find: 'load<f32>(ofRow(weights, at, 4))',
      replace: 'load<f32>(weights + (at - lanes))',
    },
    {
      name: 'a row of weight 0 is computed',
      find: 'weight != 0 ? lossOfLane(at, near, weight) : 0;',
      replace: 'lossOfLane(at, near, weight);',
      killedBy: numerics,
    },
    {
      name: 'a loss that is infinite has a gradient to what it has none',
      find: 'written == CENTRED && abs(value) == Infinity;',
      replace: 'false;',
      killedBy: numerics,
    },
  ]),
  ...mutants('kernels/wasm/kernel.ts', groups, [
    {
      name: 'rows are nearly equal if one of their group is',
      find: '      if (!areMixed && areNear % 15) {',
      replace: '      if (false) {',
    },
    {
      name: 'of rows that are told apart the last kind is forgotten',
      find: '    } while (next < behind);',
      replace: '    } while (next < others);',
    },
    {
      name: 'a tail of rows goes with a group where kinds are mixed',
      find: '    setGroup(done < inGroups);\n    const count = isGroup ? min(inGroups - done,',
      replace: '    setGroup(areMixed || done < inGroups);\n    const count = isGroup ? min(rows - done,',
    },
  ]),
  ...mutants('kernels/wasm/rows.ts', values, [
    {
      name: 'a pad is filled with classes that have mass',
      find: 'bringIn(students, studentPad, -Infinity);',
      replace: 'bringIn(students, studentPad, 0);',
    },
    {
      name: 'reverseKl is kl',
      find: '  first = isExchanged ? student : teacher;\n  second = isExchanged ? teacher : student;\n',
      replace: '  first = teacher;\n  second = student;\n',
    },
    {
      name: 'more rows are told apart than there is room for',
      find: 'export const MOST_SORTED: i32 = 256;',
      replace: 'export const MOST_SORTED: i32 = 1024;',
      killedBy: groups,
    },
    {
      name: 'lanes without a row write over the last one of the group',
      find: '      let inRow = ofRow(all, lanes + lane, rowBytes);',
      replace: '      let inRow = ofRow(all, lanes + 12 - lane, rowBytes);',
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
      name: 'every group has the first temperatures',
      find: '      const ofStudent = temperatureOf(at);',
      replace: '      const ofStudent = studentTemperatureAt(temperatures + (at - lanes));',
    },
    {
      name: 'every row of a group is computed at the T of the last',
      find: '      setTemperatures(at, ofStudent,',
      replace: '      setTemperatures(lanes, ofStudent,',
    },
    {
      name: 'logarithms of probabilities leave out the classes behind the last sixteen',
      find: '  if (rest) writeLogarithms(teacherPad, teacherPad, PAD);\n',
      replace: '',
    },
  ]),
  ...mutants('kernels/wasm/maxima.ts', values, [
    {
      name: 'a row by itself has the maximum of a part of its classes',
      find: 'slot <= HIGHEST; slot += 32) foldMaximum(slot);',
      replace: 'slot < MAX_FIRST; slot += 32) foldMaximum(slot);',
    },
    {
      name: 'a row is nearly equal once a block of it is',
      find: '  if (v128.any_true(f32x4.le(f32x4.sub(high, low)',
      replace:
        '  if (f32x4.extract_lane(high, 0) == -Infinity && v128.any_true(f32x4.le(f32x4.sub(high, low)',
      killedBy: numerics,
    },
    {
      name: 'probabilities that are all 0 have no logarithm to begin with',
      find: 'readsLogarithms ? -1e30 : -Infinity;',
      replace: '-Infinity;',
      killedBy: numerics,
    },
  ]),
  ...mutants('kernels/wasm/sort_rows.ts', groups, [
    {
      name: 'rows are told apart by what lies before them too',
      find: 'v128.or(differenceAt(last, toV, areLogarithms), notOfRow)',
      replace: 'differenceAt(last, toV, areLogarithms)',
    },
    {
      name: 'rows are told apart without their last classes',
      find: 'v128.or(differenceAt(last, toV, areLogarithms), notOfRow)',
      replace: 'v128.or(differenceAt(min(z, last), toV, areLogarithms), notOfRow)',
    },
    {
      name: 'rows are told apart by the temperature of another',
      find: 'temperatures + (<usize>row << 2) : 0);',
      replace: 'temperatures : 0);',
    },
  ]),
  ...mutants('kernels/wasm/temperature.ts', numerics, [
    {
      name: 'no row is nearly equal',
      find: 'classes > 1 ? 0.25 : NaN;',
      replace: 'classes > 1 ? NaN : NaN;',
    },
    {
      name: "the teacher has the student's temperature whatever its own is",
      find: 'const ofTeacher = min(1 / temperatureOfTeacher, 2e38);',
      replace: 'const ofTeacher = ofStudent;',
      killedBy: values,
    },
    {
      name: 'rows of two temperatures are nearly equal',
      find: 'return <f32>ofStudent == <f32>ofTeacher ? <f32>(ofStudent * widest) : NaN;',
      replace: 'return <f32>(ofStudent * widest);',
      killedBy: values,
    },
    {
      name: 'a row of one class is nearly equal',
      find: 'reading != PROBABILITIES && classes > 1 ?',
      replace: 'reading != PROBABILITIES ?',
    },
  ]),
  ...mutants('kernels/wasm/soft_term.ts', values, [
    {
      name: 'the classes behind the last sixteen are left out',
      find: '  if (rest) sweepSoftTerm(',
      replace: '  if (false) sweepSoftTerm(',
    },
    {
      name: 'the gradient is not divided by T',
      find: 'setFactorsOfDifference(at, near, toSoft * load<f32>(at, SECOND_INVERSE_T));',
      replace: 'setFactorsOfDifference(at, near, toSoft);',
    },
    {
      name: 'lambda of a nearly equal row leaves out its second-order part',
      find: '(load<f64>(sums, SUM_CROSS) + load<f64>(sums, SUM_SECOND)) /',
      replace: 'load<f64>(sums, SUM_CROSS) /',
      killedBy: numerics,
    },
    {
      name: 'NaN is not seen where its class has no mass',
      find: '  if (!(load<f64>(sums, SUM_SECOND) + load<f64>(sums, SUM_FIRST) < Infinity)) return NaN;\n',
      replace: '',
      killedBy: numerics,
    },
    {
      name: 'the slope of KL to a probability leaves out its 1',
      find: 'load<f64>(sums, LOG_FIRST) + 1;',
      replace: 'load<f64>(sums, LOG_FIRST);',
    },
    {
      name: 'the gradient to the first argument is in units of log 2',
      find: 'load<f64>(sums, PER_W) * (near ? 1 : LN_2)',
      replace: 'load<f64>(sums, PER_W)',
    },
    {
      name: 'probabilities that are all 0 divide by their sum',
      find: 'sumTeacher == 0 ? 0 : massOf(sums)',
      replace: 'massOf(sums)',
      killedBy: numerics,
    },
  ]),
  ...mutants('kernels/wasm/cross_entropy.ts', values, [
    {
      name: 'a sign in the cross entropy',
      find: 'load<f64>(sums, LOG_SECOND) - meanOfA;',
      replace: 'load<f64>(sums, LOG_SECOND) + meanOfA;',
    },
    {
      name: 'a nearly equal row has the entropy of its neighbours in log 2',
      find: '(LN_2 * load<f64>(sums, SUM_OWN))',
      replace: 'load<f64>(sums, SUM_OWN)',
      killedBy: numerics,
    },
  ]),
  ...mutants('kernels/wasm/kl.ts', values, [
    {
      name: 'KL leaves out log sv',
      find: ' - load<f64>(sums, LOG_FIRST) + logOfMasses',
      replace: ' + logOfMasses',
    },
    {
      name: 'a teacher that sums to S is taken for one that sums to 1',
      find: 'isExchanged ? -logMassOf(sums) : logMassOf(sums)',
      replace: '0',
      killedBy: numerics,
    },
    {
      name: 'KL of probabilities leaves out their entropy',
      find: 'sweepGiven(student, teacher, u, w, bytes, true);',
      replace: 'sweepGiven(student, teacher, u, w, bytes, false);',
    },
  ]),
  ...mutants('kernels/wasm/jsd.ts', values, [
    {
      name: 'the second sweep leaves out the classes behind the last sixteen',
      find: '    if (rest) sweepMixture(',
      replace: '    if (false) sweepMixture(',
    },
    {
      name: 'the mixture is of equal parts',
      find: '(beta * load<f64>(sums, PER_W) * sumSecond)',
      replace: '(0.5 * load<f64>(sums, PER_W) * sumSecond)',
    },
    {
      name: 'the terms of the student have the weight of the teacher',
      find: 'beta * ofTeacher + (1 - beta) * ofStudent',
      replace: 'beta * (ofTeacher + ofStudent)',
    },
    {
      name: 'the gradient to the student is centred on the mean of the teacher',
      find: 'perSum * load<f64>(sums, SUM_SECOND_LOG)',
      replace: 'perSum * load<f64>(sums, SUM_FIRST_LOG)',
    },
    {
      name: 'the gradient to the teacher leaves out its weight in the mixture',
      find: 'toSoft * beta * load<f32>(at, FIRST_INVERSE_T)',
      replace: 'toSoft * load<f32>(at, FIRST_INVERSE_T)',
    },
    {
      name: 'the slope to a probability leaves out its weight in the mixture',
      find: 'setFactor(at, TO_W, unit * toSoft * beta);',
      replace: 'setFactor(at, TO_W, unit * toSoft);',
    },
    {
      name: 'a nearly equal row is compared with the student in place of the mixture',
      find: 'const toMixture = f32x4.mul(e, partOfQ);',
      replace: 'const toMixture = e;',
      killedBy: numerics,
    },
    {
      name: 'a nearly equal row leaves out lambda',
      find: 'f32x4.sub(overTeacher, f32x4.sub(yi, lambda))',
      replace: 'f32x4.sub(overTeacher, yi)',
      killedBy: numerics,
    },
    {
      name: 'a class that neither side has gets a gradient',
      find: 'v128.or(v128.bitselect(overTeacher, overStudent, ofTeacher), isNone)',
      replace: 'v128.bitselect(overTeacher, overStudent, ofTeacher)',
      killedBy: numerics,
    },
  ]),
  ...mutants('kernels/wasm/reverse_kl.ts', numerics, [
    {
      name: 'a class without mass in the student has a slope',
      find: 'v128.and(slope, f32x4.ne(wi, f32x4.splat(0)))',
      replace: 'slope',
    },
  ]),
  ...mutants('kernels/wasm/hard_term.ts', values, [
    {
      name: 'a class id of C is read',
      find: '(<u32>label < <u32>classes)',
      replace: '(<u32>label <= <u32>classes)',
      killedBy: numerics,
    },
    {
      name: 'smoothing has the wrong sign',
      find: '<f32>(labelSmoothing / classes);',
      replace: '<f32>(-labelSmoothing / classes);',
    },
    {
      name: 'the class that makes a group even is smoothed too',
      find: 'isGroup ? <usize>classes << 4 : wholeBytes',
      replace: 'wholeBytes',
    },
    {
      name: 'the label of a row keeps its whole weight when smoothed',
      find: '    toHard * (1 - labelSmoothing),',
      replace: '    toHard,',
    },
  ]),
  ...mutants('kernels/wasm/gradients.ts', values, [
    {
      name: 'every other vector of a difference has the w of its neighbour',
      find: 'f32x4.mul(v128.load(w, 16), cw)',
      replace: 'f32x4.mul(v128.load(w), cw)',
    },
    {
      name: 'a centred gradient has the wrong sign',
      find: 'f32x4.sub(mean, v128.load(x))',
      replace: 'f32x4.sub(v128.load(x), mean)',
    },
    {
      name: 'a class without mass is centred all the same',
      find: 'v128.and(slope, f32x4.ne(wi, f32x4.splat(0)))',
      replace: 'slope',
      killedBy: numerics,
    },
    {
      name: 'a class that neither side has gets the slope of a probability',
      find: 'v128.and(f32x4.sub(mean, f32x4.mul(xi, cx)), f32x4.eq(xi, xi))',
      replace: 'f32x4.sub(mean, f32x4.mul(xi, cx))',
      killedBy: numerics,
    },
    {
      name: 'smoothing leaves out the gradient of its constant',
      find: 'f32x4.add(v128.and(f32x4.mul(v128.load(labels), cy), isLabelled), constant)',
      replace: 'v128.and(f32x4.mul(v128.load(labels), cy), isLabelled)',
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
  ...mutants('kernels/wasm/near.ts', numerics, [
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
      find: '    const rho = f64x2.mul(v128.load(at, SUM_SECOND), perFirst);',
      replace: '    const rho = f64x2.mul(v128.load(lanes, SUM_SECOND), perFirst);',
      killedBy: groups,
    },
    {
      name: 'a shift of the logits takes its rounding into a nearly equal row',
      find: '    if (isAnyShifted) {',
      replace: '    if (false) {',
    },
    {
      name: 'a row is computed another way beside one that is shifted',
      find: 'v128.and(roundingOf(d1, z1, v1), areShifted)',
      replace: 'roundingOf(d1, z1, v1)',
      killedBy: groups,
    },
    {
      name: 'expm1 of a nearly equal row leaves out its second-order part',
      find: '      v128.store(to, f32x4.add(m1, r1), 16);',
      replace: '      v128.store(to, m1, 16);',
    },
  ]),
  ...mutants('kernels/wasm/vectors.ts', numerics, [
    {
      name: '0 times -Infinity is summed',
      find: 'return v128.and(f32x4.mul(w, x), f32x4.ne(w, f32x4.splat(0)));',
      replace: 'return f32x4.mul(w, x);',
    },
    {
      name: 'a probability of 0 has a finite logarithm',
      find: 'v128.bitselect(f32x4.splat(-Infinity), f32x4.splat(NaN), f32x4.eq(p, f32x4.splat(0)))',
      replace: 'f32x4.splat(-127)',
    },
    {
      name: 'J of a nearly equal row ends with the first term of its series',
      find: '  p = multiplyAdd(p, x, f32x4.splat(0.5));',
      replace: '  p = f32x4.splat(0.4);',
    },
    {
      name: 'log1p of a nearly equal row ends with the first term of its series',
      find: '  p = multiplyAdd(p, s2, f32x4.splat(2));\n  return f32x4.mul(p, s);',
      replace: '  return f32x4.mul(f32x4.splat(2.1), s);',
    },
  ]),
  ...mutants('kernels/wasm/sums.ts', values, [
    {
      name: 'the rounding of a sum of probabilities counts as a divergence',
      find: '<= ROUNDING_OF_MASS',
      replace: '<= 0',
      killedBy: teacherTemperature,
    },
    {
      name: 'softened probabilities are not scaled to the sum they had',
      find: 'massOfFirst = isExchanged ? 1 : mass;',
      replace: 'massOfFirst = 1;',
    },
  ]),
  ...mutants('kernels/wasm/logits.ts', values, [
    {
      name: 'every other vector has the w of its neighbour',
      find: 'const x1 = share(w1, isKl ? d1 : a1);',
      replace: 'const x1 = share(w0, isKl ? d1 : a1);',
    },
  ]),
  ...mutants('kernels/wasm/logarithms.ts', values, [
    {
      name: 'two rows of a group have the logarithm of the two before',
      find: '    const x = v128.load(at);',
      replace: '    const x = v128.load(lanes + sum);',
    },
  ]),
  ...mutants('kernels/wasm/row_metrics.ts', metrics, [
    {
      name: 'of equals the last is the largest',
      find: 'const isLarger = f32x4.gt(x, largest);',
      replace: 'const isLarger = f32x4.ge(x, largest);',
    },
    {
      name: 'the classes behind the last sixteen are never the largest',
      find: '  if (rest) {\n    // The pad',
      replace: '  if (false) {\n    // The pad',
    },
    {
      name: 'of a row by itself the last lane has the largest class',
      find: 'first = i32x4.min_u(first, v128.shuffle<i32>(first, first, 2, 3, 0, 1));',
      replace: 'first = i32x4.max_u(first, v128.shuffle<i32>(first, first, 2, 3, 0, 1));',
    },
    {
      name: 'the entropy of the student is divided by the sum of the teacher',
      find: 'const sumStudent = load<f64>(sums, SUM_SECOND);',
      replace: 'const sumStudent = load<f64>(sums, SUM_FIRST);',
    },
    {
      name: 'the entropy of probabilities takes them to sum to 1',
      find: 'load<f64>(sums, LOG_FIRST) - logMassOf(sums);',
      replace: 'load<f64>(sums, LOG_FIRST);',
    },
    {
      name: 'KL of a nearly equal row is the difference of two entropies',
      find: '  if (near) measureNear();',
      replace: '',
    },
    {
      name: 'a row that is ignored is measured',
      find: 'if (weight == 0 || !isValid(at)) {',
      replace: 'if (!isValid(at)) {',
    },
    {
      name: 'the label of a distribution is its last class',
      find: 'load<i32>(at, TOP_LABEL);',
      replace: 'classes - 1;',
    },
  ]),
  ...mutants('src/backends/wasm/index.ts', faults, [
    {
      name: 'memory is viewed before a tensor is brought over',
      find: '  bringOver(request);\n',
      replace: '',
    },
  ]),
];
