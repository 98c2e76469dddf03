/** What PyTorch and JAX say, in float64, of 125 cases over all options: test/fixtures/generate.py. */
import * as tf from '@tensorflow/tfjs-core';
import { type DistillationOptions, distillationLoss } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import given from '../fixtures/cases.json';
import jax from '../fixtures/jax.json';
import pytorch from '../fixtures/pytorch.json';
import { TOLERANCE } from '../run_case.ts';

beforeAll(startBackend);

type Nested = number | Nested[];
const flat = (values: Nested): number[] => (typeof values === 'number' ? [values] : values.flatMap(flat));
const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

interface Fixture {
  name: string;
  teacher: Nested;
  student: Nested;
  dLoss: Nested;
  direction: Nested;
  options: Record<string, unknown>;
}

interface Truth {
  loss: Nested;
  dStudent: Nested;
  dTeacher?: Nested;
  hessianTimesDirection: Nested;
}

const fixtures: Fixture[] = given.items;
const truths: Record<string, Truth[]> = { [pytorch.madeBy]: pytorch.items, [jax.madeBy]: jax.items };

/** Everything that a fixture has a truth for. */
function run({ teacher, student, options, dLoss, direction }: Fixture) {
  const reduction = tf.Reduction[options.reduction as keyof typeof tf.Reduction];
  const loss = (v: tf.Tensor, z: tf.Tensor) =>
    distillationLoss(v, z, { ...(options as DistillationOptions), reduction });
  const total = (v: tf.Tensor, z: tf.Tensor): tf.Scalar => {
    const value = loss(v, z);
    return reduction === tf.Reduction.NONE ? tf.sum(tf.mul(value, tf.tensor(dLoss))) : value.asScalar();
  };
  return tf.tidy(() => {
    const v = tf.tensor(teacher);
    const z = tf.tensor(student);
    const slopeAlong = (z: tf.Tensor): tf.Scalar =>
      tf.sum(tf.mul(tf.grad((z: tf.Tensor) => total(v, z))(z), tf.tensor(direction)));
    return {
      loss: loss(v, z),
      dStudent: tf.grad((z: tf.Tensor) => total(v, z))(z),
      ...(options.teacherGradient ? { dTeacher: tf.grad((v: tf.Tensor) => total(v, z))(v) } : {}),
      // Beyond the first order the stock ops do the work, and overflow in half-precision textures.
      ...(backend.precision === 'f32' ? { hessianTimesDirection: tf.grad(slopeAlong)(z) } : {}),
    };
  });
}

/** max over rows of w dLoss (soft T^2 + hard): what the bounds of numerics are relative to. */
function sizeOf({ options, dLoss }: Fixture): number {
  const t = largest(flat(options.temperature as Nested));
  const weight = options.weights === undefined ? 1 : largest(flat(options.weights as Nested));
  const incoming = options.reduction === 'NONE' ? largest(flat(dLoss)) : 1;
  return weight * incoming * (options.scaleByTemperatureSquared === false ? 1 : t * t);
}

describe('loss, gradients and Hessian times a direction are those of PyTorch and JAX', () => {
  for (const [k, fixture] of fixtures.entries()) {
    it(fixture.name, async () => {
      const results = run(fixture);
      const size = Math.max(1, sizeOf(fixture));
      for (const [name, tensor] of Object.entries(results)) {
        const values = await tensor.data();
        for (const [library, items] of Object.entries(truths)) {
          const truth = flat(items[k][name as keyof Truth] ?? []);
          const close = name === 'hessianTimesDirection' ? 10 * TOLERANCE : TOLERANCE;
          expectClose(values, truth, close * Math.max(size, largest(truth)), `${name} by ${library}`);
        }
      }
      tf.dispose(results);
    });
  }
});
