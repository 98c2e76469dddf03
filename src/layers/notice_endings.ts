import { dispose, keep, reshape, slice, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Targets } from '../../kernels/objective.ts';
import { valuesOnCpu } from '../backends/values_on_cpu.ts';
import { withoutTape } from '../run_objective.ts';
import { type Ending, endingOf } from './ending.ts';
import { plainKindOf, ROWS_LOOKED_AT } from './plain_values.ts';
import { classesOfTeacher, type Teacher } from './teacher.ts';

/** Whose outputs are looked at. */
export type Role = 'teacher' | 'student';

/** How the outputs are read, and in whose name a message speaks. */
export interface Reading {
  role: Role;
  /** Of the loss. The student's are logits whatever they say. */
  targets: Targets;
  functionName: 'Distiller' | 'layersLoss' | 'cacheTeacherLogits';
  /** What makes probabilities of logits; 'softmax' if not given. */
  outputs?: 'softmax' | 'sigmoid';
  /** One of several teachers, which are read alike. */
  isOfSeveral?: boolean;
}

/** Where it is said that the teacher gives probabilities. */
const RIGHT_LINES: Readonly<Record<Reading['functionName'], string>> = {
  Distiller: "new Distiller({student, teacher, targets: 'probabilities'})",
  cacheTeacherLogits: "new Distiller({student, teacher: cached, targets: 'probabilities'})",
  layersLoss: "layersLoss({targets: 'probabilities'})",
};

function rightLine({ functionName, isOfSeveral = false }: Reading): string {
  const rightLine = RIGHT_LINES[functionName];
  if (!isOfSeveral || functionName !== 'cacheTeacherLogits') return rightLine;
  return `cacheTeacherLogits(teachers, data, {temperature, targets: 'probabilities'}) and ${rightLine}`;
}

/** Models of which a warning has told how they end: their values need not tell it again. */
const toldOf = new WeakSet<object>();

/** Warns of a model that ends in something else than what it is read as; nothing is run for that. */
export function noticeEnding(model: object, reading: Reading): void {
  const ending = endingOf(model);
  const { role, targets, functionName, outputs = 'softmax' } = reading;
  if (ending === null || (ending.op === outputs && role === 'teacher' && targets === 'probabilities')) return;
  toldOf.add(model);
  console.warn(
    `${functionName}: the ${role} ends in ${NAMES[ending.op]}, ${ending.where}, but logits are expected. ${adviceOf(ending, reading)}`,
  );
}

const NAMES: Readonly<Record<Ending['op'], string>> = {
  softmax: 'a softmax',
  sigmoid: 'a sigmoid',
  'another saturating activation': 'an activation that is bounded',
};

function adviceOf({ op, nodeBefore }: Ending, reading: Reading): string {
  const { role } = reading;
  if (role === 'student') {
    const without = `Leave the activation of its last layer out: the loss contains the ${reading.outputs ?? 'softmax'}.`;
    return op === 'sigmoid' && reading.outputs !== 'sigmoid' ? `${without} ${OF_SIGMOIDS}` : without;
  }
  const before = nodeBefore === null ? null : `teacher: {predict: (x) => model.execute(x, '${nodeBefore}')}`;
  if (reading.outputs === 'sigmoid' && op === 'softmax') {
    return `Its classes exclude one another, so leave outputs: 'sigmoid' out, and say targets: 'probabilities'.`;
  }
  if (reading.outputs === 'sigmoid' && op === 'sigmoid') {
    const line = "new Distiller({student, teacher, outputs: 'sigmoid', targets: 'probabilities'})";
    return `Say ${line}${before ? `, or give what comes before it: ${before}` : ''}.`;
  }
  switch (op) {
    case 'softmax':
      return `Say ${rightLine(reading)}${before ? `, or give what comes before it: ${before}` : ''}.`;
    case 'sigmoid':
      return `${before ? `What comes before it is ${before}. ` : ''}${OF_SIGMOIDS}`;
    case 'another saturating activation':
      return before ? `Give what comes before it: ${before}.` : 'Give what comes before it.';
    default:
      return op satisfies never;
  }
}

const OF_SIGMOIDS =
  "The loss compares distributions over classes of which one is right. Where several labels may be, say outputs: 'sigmoid' (a Distiller) or take multiLabelDistillationLoss; " +
  "of two classes in one unit p make two: targets: 'probabilities', and tf.concat([tf.sub(1, p), p], -1) for the teacher.";

/** All that can be said of the two models of a Distiller before they are run. */
export function noticeModels(
  { student, teachers }: { student: LayersModel; teachers: readonly Teacher[] },
  { targets = 'logits', outputs = 'softmax' }: { targets?: Targets; outputs?: 'softmax' | 'sigmoid' },
): void {
  const functionName = 'Distiller';
  const ofTeacher: Reading = { role: 'teacher', targets, functionName, outputs };
  const ofStudent: Reading = { role: 'student', targets, functionName, outputs };
  for (const one of teachers) checkSeveralClasses(classesOfTeacher(one), ofTeacher);
  checkSeveralClasses(student.outputs[0].shape.at(-1), ofStudent);
  noticeEnding(student, ofStudent);
  for (const one of new Set(teachers)) noticeEnding(one, ofTeacher);
}

/** Throws where there is nothing to learn: a softmax over one class is 1 whatever its logit. */
export function checkSeveralClasses(
  classes: number | null | undefined,
  { role, functionName, outputs }: Reading,
): void {
  if (classes !== 1 || outputs === 'sigmoid') return;
  throw new Error(
    `${functionName}: the ${role} has one class, whose probability is always 1, so there is nothing to learn; expected at least two. ` +
      (role === 'student'
        ? "For a yes or no give it two units, or say outputs: 'sigmoid'."
        : 'Of a sigmoid in one unit, p, make two classes: {predict: (x) => tf.tidy(() => { const p = model.predict(x); ' +
          "return tf.concat([tf.sub(1, p), p], -1); })}, with targets: 'probabilities' and a student with two units."),
  );
}

/** Warns of numbers [..., classes] that plainly are not what they are read as. Returns whether it did. */
export function noticeValues(values: ArrayLike<number>, classes: number, reading: Reading): boolean {
  const { role, targets, functionName } = reading;
  const kind = plainKindOf(values, classes);
  if (kind === 'distributions' && (role === 'student' || targets === 'logits')) {
    const advice =
      role === 'student'
        ? 'Leave the softmax at its end out: the loss contains it.'
        : `Say ${rightLine(reading)}, or give the logits that they were made of.`;
    console.warn(
      `${functionName}: the ${role} gives probabilities (all in [0, 1], and each row sums to 1), but logits are expected. ${advice}`,
    );
    return true;
  }
  if (kind === 'logits' && role === 'teacher' && targets === 'probabilities') {
    console.warn(
      `${functionName}: targets are 'probabilities', but the teacher gives numbers outside of [0, 1]; leave targets out for logits.`,
    );
    return true;
  }
  return false;
}

/** As noticeValues, of a tensor whose values lie on the CPU; of any other nothing is said, and no device is waited for. Returns whether they were looked at. */
export function noticeValuesOnCpu(outputs: Tensor, reading: Reading): boolean {
  const classes = outputs.shape.at(-1);
  if (classes === undefined || outputs.dtype !== 'float32') return false;
  const values = valuesOnCpu(outputs);
  if (values === null) return false;
  noticeValues(values.subarray(0, ROWS_LOOKED_AT * classes), classes, reading);
  return true;
}

/** Looks at the first outputs of each model, once. A GPU is not waited for: it sends a few rows when it comes to it. */
export class FirstOutputs {
  private readonly seen: Readonly<Record<Role, Set<object | null>>> = {
    teacher: new Set(),
    student: new Set(),
  };
  /** Rows that a GPU has yet to send. */
  private readonly awaited: Tensor[] = [];

  /** What a model gave for a batch; null for one that is not there. */
  lookAt(outputs: Tensor, model: object | null, reading: Reading): void {
    const seen = this.seen[reading.role];
    if (seen.has(model)) return;
    seen.add(model);
    if (model !== null && toldOf.has(model)) return;
    if (noticeValuesOnCpu(outputs, reading)) return;
    const few = noticeValuesLater(outputs, reading);
    if (few !== null) this.awaited.push(few);
  }

  /** Waits no longer: a fit that failed leaves nothing behind. */
  free(): void {
    dispose(this.awaited);
  }
}

function noticeValuesLater(outputs: Tensor, reading: Reading): Tensor | null {
  const classes = outputs.shape[outputs.rank - 1];
  const rows = Math.min(ROWS_LOOKED_AT, outputs.size / classes);
  if (outputs.dtype !== 'float32' || rows === 0) return null;
  const few = withoutTape(() =>
    tidy(() => keep(slice(reshape(outputs, [-1, classes]), [0, 0], [rows, classes]))),
  );
  const free = () => few.dispose();
  // Where the device is lost, or the fit has failed, there is nothing to look at, and the training says so.
  few
    .data()
    .then((values) => noticeValues(values, classes, reading), free)
    .then(free);
  return few;
}

const CACHED: Reading = { role: 'teacher', targets: 'logits', functionName: 'cacheTeacherLogits' };

/** What cacheTeacherLogits can say of its teacher from the first batch of it. */
export function noticeCached(teacher: object, values: ArrayLike<number>, classes: number): void {
  checkSeveralClasses(classes, CACHED);
  noticeEnding(teacher, CACHED);
  if (!toldOf.has(teacher)) noticeValues(values, classes, CACHED);
}

/** What cacheTeacherLogits can say of one of several teachers when it has first run. */
export function noticeCachedMember(
  first: FirstOutputs,
  { logits, model }: { logits: Tensor; model: object },
  targets: Targets,
): void {
  const reading: Reading = { ...CACHED, targets, isOfSeveral: true };
  checkSeveralClasses(logits.shape.at(-1), reading);
  if (!toldOf.has(model)) noticeEnding(model, reading);
  first.lookAt(logits, model, reading);
}
