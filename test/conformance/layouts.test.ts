import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss } from '../../src/index.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { makeCase, reference } from '../objective_case.ts';
import { asHeld, boundsOf, tensorsOf, unevenGradients } from '../run_case.ts';

beforeAll(startBackend);

/**
 * The same values as other ops leave them: on 'webgl' packed two by two, or as a part of another tensor's
 * texture.
 */
const LAYOUTS: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  uploaded: (x) => x.clone(),
  multiplied: (x) => tf.matMul(x, tf.eye(x.shape.at(-1) ?? 1) as tf.Tensor),
  'multiplied and reshaped': (x) => {
    const classes = x.shape.at(-1) ?? 1;
    return tf.reshape(tf.matMul(tf.reshape(x, [-1, classes]), tf.eye(classes)), x.shape);
  },
  sliced: (x) => {
    const around = tf.concat([tf.onesLike(x), x, tf.onesLike(x)], 0);
    // A sum leaves an unpacked texture, and of those a slice is a view.
    const unpacked = tf.sum(tf.stack([around, tf.zerosLike(around)]), 0);
    return tf.slice(unpacked, [x.shape[0]], [x.shape[0]]);
  },
};

const PAIRS: [string, string, string][] = [
  ['multiplied', 'multiplied', 'multiplied'],
  ['sliced', 'sliced', 'sliced'],
  ['uploaded', 'multiplied', 'sliced'],
  ['sliced', 'multiplied', 'uploaded'],
  ['multiplied', 'sliced', 'multiplied'],
  ['multiplied and reshaped', 'uploaded', 'multiplied'],
  ['uploaded', 'multiplied and reshaped', 'uploaded'],
];

for (const shape of [
  [5, 7],
  [2, 3, 8],
]) {
  describe(`logits of shape [${shape}] as other ops leave them`, () => {
    for (const [ofTeacher, ofStudent, ofLabels] of PAIRS) {
      it(`teacher ${ofTeacher}, student ${ofStudent}, labels ${ofLabels}`, async () => {
        const problem = asHeld(
          makeCase(
            '',
            shape,
            { divergence: 'kl', temperature: 2, labels: 'distribution', alpha: 0.3 },
            { seed: 71 },
          ),
        );
        const { teacher, student, options } = tensorsOf(problem);
        const given = tf.tidy(() => ({
          teacher: LAYOUTS[ofTeacher](teacher),
          student: LAYOUTS[ofStudent](student),
          labels: LAYOUTS[ofLabels](options.labels as tf.Tensor),
        }));
        const dLoss = unevenGradients(problem.student.length / shape[shape.length - 1]);
        const { value, grads } = tf.valueAndGrads((v, z) =>
          distillationLoss(v, z, { ...options, labels: given.labels, teacherGradient: true }),
        )([given.teacher, given.student], tf.tensor(dLoss, shape.slice(0, -1)));
        const truth = reference(problem);
        const bounds = boundsOf(problem, truth, dLoss);
        expectClose(await value.data(), truth.loss, bounds.loss, 'loss');
        expectClose(await grads[0].data(), bounds.dTeacherTruth, bounds.dTeacher, 'dTeacher');
        expectClose(await grads[1].data(), bounds.dStudentTruth, bounds.dStudent, 'dStudent');
        tf.dispose([teacher, student, options.labels as tf.Tensor, given, value, grads]);
      });
    }
  });
}
