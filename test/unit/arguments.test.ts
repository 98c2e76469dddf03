import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { OF_STUDENT } from '../../kernels/objective.ts';
import { teacherTemperatureArgument } from '../../src/arguments.ts';
import {
  type DistillationMetricsOptions,
  type DistillationOptions,
  distillationLoss,
  distillationMetrics,
  softmaxCrossEntropy,
  softmaxCrossEntropyWithTemperature,
} from '../../src/index.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const V = [
  [1, 2, 3],
  [3, 2, 1],
];

/** Options that the types forbid, as plain JavaScript would pass them. */
const untyped = (options: object) => options as DistillationOptions;

describe('softmaxCrossEntropyWithTemperature names itself, what it expected and what came', () => {
  const cases: [string, () => unknown, typeof Error, RegExp][] = [
    [
      'no tensor',
      () => softmaxCrossEntropyWithTemperature(null as never, V),
      TypeError,
      /softmaxCrossEntropyWithTemperature: teacherLogits must be a tensor or numbers; got null\./,
    ],
    [
      'a string',
      () => softmaxCrossEntropyWithTemperature(['a', 'b'] as never, V),
      TypeError,
      /teacherLogits must be a tensor or numbers; got string\./,
    ],
    [
      'a tensor of strings',
      () => softmaxCrossEntropyWithTemperature(tf.tensor1d(['a', 'b']), V),
      TypeError,
      /teacherLogits must be float32, int32 or bool; got dtype string/,
    ],
    [
      'a string among numbers',
      () => softmaxCrossEntropyWithTemperature([[1, 2, '3']] as never, V),
      TypeError,
      /teacherLogits must be a tensor or numbers; got string\./,
    ],
    [
      'a hole among numbers',
      () => softmaxCrossEntropyWithTemperature([[1, undefined, 3]] as never, V),
      TypeError,
      /got undefined\./,
    ],
    ['bigints', () => softmaxCrossEntropyWithTemperature([[1n, 2n]] as never, V), TypeError, /got bigint\./],
    [
      'a promise of logits',
      () => softmaxCrossEntropyWithTemperature(V, Promise.resolve(V) as never),
      TypeError,
      /studentLogits must be a tensor or numbers; got Promise\./,
    ],
    [
      'an array of tensors',
      () => softmaxCrossEntropyWithTemperature([tf.tensor1d([1, 2, 3])] as never, V),
      TypeError,
      /got an array of tensors\./,
    ],
    [
      'a typed array that tfjs does not know',
      () => softmaxCrossEntropyWithTemperature(new Float64Array(3) as never, V),
      TypeError,
      /got Float64Array, where tfjs takes Float32Array or Int32Array\./,
    ],
    [
      'such arrays as rows',
      () => softmaxCrossEntropyWithTemperature([new Float64Array(3)] as never, V),
      TypeError,
      /got Float64Array,/,
    ],
    [
      'a complex tensor',
      () => softmaxCrossEntropyWithTemperature(V, tf.complex([1], [1])),
      TypeError,
      /studentLogits must be float32, int32 or bool; got dtype complex64/,
    ],
    [
      'a ragged array',
      () => softmaxCrossEntropyWithTemperature([[1], [1, 2]] as never, V),
      TypeError,
      /teacherLogits must be a tensor or numbers; got a ragged array\./,
    ],
    [
      'a ragged array of typed rows',
      () => softmaxCrossEntropyWithTemperature([new Float32Array(1), new Float32Array(2)] as never, V),
      TypeError,
      /got a ragged array\./,
    ],
    [
      'a number among rows',
      () => softmaxCrossEntropyWithTemperature([[1], 2] as never, V),
      TypeError,
      /got a ragged array\./,
    ],
    [
      'rank 0',
      () => softmaxCrossEntropyWithTemperature(tf.scalar(1), tf.scalar(1)),
      Error,
      /teacherLogits must have rank 1 to 6, \[..., classes\]; got shape \[\]/,
    ],
    [
      'rank 7',
      () => softmaxCrossEntropyWithTemperature(tf.zeros([1, 1, 1, 1, 1, 1, 2] as never), V),
      Error,
      /rank 1 to 6/,
    ],
    [
      'no class',
      () => softmaxCrossEntropyWithTemperature(tf.zeros([2, 0]), tf.zeros([2, 0])),
      Error,
      /at least one class.*\[2,0\]/,
    ],
    [
      'another row count',
      () => softmaxCrossEntropyWithTemperature(V, [[1, 2, 3]]),
      Error,
      /must have the same shape; got \[2,3\] and \[1,3\]\.$/,
    ],
    [
      'class ids in place of a distribution',
      () => softmaxCrossEntropyWithTemperature([0, 1], V),
      Error,
      /got \[2\] and \[2,3\]\. tf\.oneHot makes distributions of class ids\.$/,
    ],
    [
      'logits of another rank',
      () => softmaxCrossEntropyWithTemperature([V], V),
      Error,
      /got \[1,2,3\] and \[2,3\]\.$/,
    ],
    [
      'another vocabulary',
      () =>
        softmaxCrossEntropyWithTemperature(V, [
          [1, 2],
          [3, 4],
        ]),
      Error,
      /got \[2,3\] and \[2,2\].*vocabularies/,
    ],
    [
      'T = 0',
      () => softmaxCrossEntropyWithTemperature(V, V, 0),
      RangeError,
      /temperature must be a finite number greater than 0; got 0/,
    ],
    ['T = -1', () => softmaxCrossEntropyWithTemperature(V, V, -1), RangeError, /got -1/],
    ['T = NaN', () => softmaxCrossEntropyWithTemperature(V, V, Number.NaN), RangeError, /got NaN/],
    [
      'T = Infinity',
      () => softmaxCrossEntropyWithTemperature(V, V, Number.POSITIVE_INFINITY),
      RangeError,
      /got Infinity/,
    ],
    ['one bad T among rows', () => softmaxCrossEntropyWithTemperature(V, V, [1, -2]), RangeError, /got -2/],
    [
      'a T per column',
      () => softmaxCrossEntropyWithTemperature(V, V, [1, 2, 3]),
      Error,
      /temperature must be one number or one per row, of shape \[2\]; got shape \[3\]/,
    ],
  ];
  for (const [name, call, kind, message] of cases) {
    it(name, () => {
      expect(call).toThrow(kind);
      expect(call).toThrow(message);
    });
  }

  it('a disposed tensor', () => {
    const gone = tf.tensor2d(V);
    gone.dispose();
    expect(() => softmaxCrossEntropyWithTemperature(gone, V)).toThrow(
      /teacherLogits is a tensor that was disposed/,
    );
  });
});

describe('distillationLoss names itself, what it expected and what came', () => {
  const cases: [string, DistillationOptions, typeof Error, RegExp][] = [
    [
      'an unknown option',
      untyped({ temprature: 2 }),
      Error,
      /distillationLoss: unknown option 'temprature'; expected one of temperature, /,
    ],
    ['a name from Object.prototype', untyped({ toString: 1 }), Error, /unknown option 'toString'/],
    ['options that are no object', untyped([1]), TypeError, /options must be an object; got an array/],
    ['alpha without labels', { alpha: 0.5 }, Error, /alpha is about the hard term, which needs labels/],
    [
      'labelSmoothing without labels',
      { labelSmoothing: 0.5 },
      Error,
      /labelSmoothing is about the hard term/,
    ],
    ['alpha above 1', { alpha: 2, labels: [0, 1] }, RangeError, /alpha must be in \[0, 1\]; got 2/],
    ['alpha NaN', { alpha: Number.NaN, labels: [0, 1] }, RangeError, /alpha must be in \[0, 1\]; got NaN/],
    [
      'alpha as a string',
      untyped({ alpha: '0.5', labels: [0, 1] }),
      TypeError,
      /alpha must be a tensor or numbers; got string/,
    ],
    [
      'labelSmoothing of 1',
      { labelSmoothing: 1, labels: [0, 1] },
      RangeError,
      /labelSmoothing must be in \[0, 1\); got 1/,
    ],
    [
      'beta without jsd',
      { beta: 0.5 },
      Error,
      /beta is an option of divergence 'jsd'; got divergence 'crossEntropy'/,
    ],
    [
      'beta out of range',
      { divergence: 'jsd', beta: -0.1 },
      RangeError,
      /beta must be in \[0, 1\]; got -0.1/,
    ],
    [
      'an unknown divergence',
      untyped({ divergence: 'tvd' }),
      RangeError,
      /divergence must be one of 'crossEntropy', 'kl', 'reverseKl', 'jsd'; got 'tvd'/,
    ],
    ['unknown targets', untyped({ targets: 'log' }), RangeError, /targets must be one of/],
    [
      'a T of the teacher that is infinite',
      { teacherTemperature: Number.POSITIVE_INFINITY },
      RangeError,
      /distillationLoss: teacherTemperature must be a finite number greater than 0; got Infinity/,
    ],
    [
      'temperatures of the teacher for other rows',
      { teacherTemperature: tf.tensor1d([1, 2, 3, 4, 5]) },
      Error,
      /distillationLoss: teacherTemperature must be one number or one per row, of shape \[.*\]; got shape \[5\]/,
    ],
    [
      'an array of temperatures of the teacher',
      { teacherTemperature: [1, 2, 0] },
      RangeError,
      /teacherTemperature must be a finite number greater than 0; got 0/,
    ],
    [
      'a T of the teacher that is text',
      untyped({ teacherTemperature: '2' }),
      TypeError,
      /teacherTemperature must be a tensor or numbers; got string/,
    ],
    [
      'an unknown reduction',
      untyped({ reduction: 9 }),
      RangeError,
      /reduction must be a tf.Reduction; got 9/,
    ],
    [
      'labels of another shape',
      { labels: [0, 1, 2] },
      Error,
      /labels must be class ids of shape \[2\] or a distribution of shape \[2,3\]; got shape \[3\]/,
    ],
    [
      'weights of another shape',
      { weights: [1, 2, 3] },
      Error,
      /weights must be one number or one per row, of shape \[2\]; got shape \[3\]/,
    ],
    [
      'ignoreIndex with a distribution',
      { labels: V, ignoreIndex: 0 },
      Error,
      /ignoreIndex needs labels that are class ids/,
    ],
    [
      'a word for teacherGradient',
      untyped({ teacherGradient: 'false' }),
      TypeError,
      /teacherGradient must be true or false; got string/,
    ],
    [
      'a number for scaleByTemperatureSquared',
      untyped({ scaleByTemperatureSquared: 1 }),
      TypeError,
      /scaleByTemperatureSquared must be true or false; got number/,
    ],
    ...[0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 32, -(2 ** 31) - 1].map(
      (ignoreIndex): (typeof cases)[number] => [
        `ignoreIndex ${ignoreIndex}, which int32 does not hold`,
        { labels: [0, 1], ignoreIndex },
        RangeError,
        new RegExp(`ignoreIndex must be an integer in .*, which int32 holds; got ${ignoreIndex}`),
      ],
    ),
    [
      'a word for ignoreIndex',
      untyped({ labels: [0, 1], ignoreIndex: '0' }),
      TypeError,
      /ignoreIndex must be a number; got string/,
    ],
  ];
  for (const [name, options, kind, message] of cases) {
    it(name, () => {
      const call = () => distillationLoss(V, V, options);
      expect(call).toThrow(kind);
      expect(call).toThrow(message);
    });
  }
});

describe('distillationMetrics names itself, what it expected and what came', () => {
  const cases: [string, DistillationMetricsOptions, typeof Error, RegExp][] = [
    [
      'an option of the loss',
      { alpha: 0.5 } as DistillationMetricsOptions,
      Error,
      /distillationMetrics: unknown option 'alpha'; expected one of temperature, teacherTemperature, targets, labels, weights/,
    ],
    [
      'unknown targets',
      { targets: 'log' as never },
      RangeError,
      /distillationMetrics: targets must be one of/,
    ],
    ['T = 0', { temperature: 0 }, RangeError, /temperature must be a finite number greater than 0; got 0/],
    [
      'a T of the teacher of 0',
      { teacherTemperature: 0 },
      RangeError,
      /distillationMetrics: teacherTemperature must be a finite number greater than 0; got 0/,
    ],
    [
      'labels of another shape',
      { labels: [0, 1, 2] },
      Error,
      /distillationMetrics: labels must be class ids of shape \[2\] or a distribution of shape \[2,3\]; got shape \[3\]/,
    ],
    [
      'weights of another shape',
      { weights: [1, 2, 3] },
      Error,
      /distillationMetrics: weights must be one number or one per row, of shape \[2\]; got shape \[3\]/,
    ],
  ];
  for (const [name, options, kind, message] of cases) {
    it(name, () => {
      const call = () => distillationMetrics(V, V, options);
      expect(call).toThrow(kind);
      expect(call).toThrow(message);
    });
  }
  it('another vocabulary', () =>
    expect(() => distillationMetrics(V, [[1], [2]])).toThrow(/distillationMetrics: .*\[2,3\] and \[2,1\]/));
});

describe('softmaxCrossEntropy names itself, what it expected and what came', () => {
  const cases: [string, () => unknown, typeof Error, RegExp][] = [
    [
      'weights that do not broadcast',
      () => softmaxCrossEntropy(V, V, [1, 2, 3]),
      Error,
      /softmaxCrossEntropy: weights must broadcast against the losses, of shape \[2\]; got shape \[3\]/,
    ],
    [
      'labelSmoothing above 1',
      () => softmaxCrossEntropy(V, V, 1, 1.5),
      RangeError,
      /softmaxCrossEntropy: labelSmoothing must be in \[0, 1\]; got 1.5/,
    ],
    [
      'an unknown reduction',
      () => softmaxCrossEntropy(V, V, 1, 0, 7 as never),
      RangeError,
      /softmaxCrossEntropy: reduction must be a tf.Reduction; got 7/,
    ],
    [
      'rank 0',
      () => softmaxCrossEntropy(tf.scalar(1), tf.scalar(1)),
      Error,
      /softmaxCrossEntropy: onehotLabels must have rank 1 to 6/,
    ],
  ];
  for (const [name, call, kind, message] of cases) {
    it(name, () => {
      expect(call).toThrow(kind);
      expect(call).toThrow(message);
    });
  }
});

it('where no backend has started, an array is not blamed but what to await is said', async () => {
  let start = (_backend: tf.KernelBackend) => {};
  tf.registerBackend('late', () => new Promise<tf.KernelBackend>((resolve) => (start = resolve)));
  const started = tf.setBackend('late');
  expect(() => distillationLoss(V, V)).toThrow(
    /^distillationLoss: Backend 'late' has not yet been initialized\. Make sure to await tf\.ready\(\)/,
  );
  start(tf.findBackend('cpu'));
  await started;
  await tf.setBackend('cpu');
});

it('where no backend is registered, it is said what to import', () => {
  jest.spyOn(tf.engine(), 'backendNames').mockReturnValue([]);
  try {
    expect(() => distillationLoss(V, V)).toThrow(
      /^distillationLoss: tfjs has no backend; import '@tensorflow\/tfjs', or/,
    );
  } finally {
    jest.restoreAllMocks();
  }
});

describe('teacherTemperatureArgument', () => {
  it.each([
    ['probabilities at T = 1 are used as they are', 1, { targets: 'probabilities', temperature: 4 }, 1],
    ['also where both temperatures are 1', undefined, { targets: 'probabilities', temperature: 1 }, 1],
    ["the student's is that of the row", 2, { targets: 'probabilities', temperature: 2 }, OF_STUDENT],
    ['and so is none of its own', undefined, { targets: 'logits', temperature: 3 }, OF_STUDENT],
    ['of logits 1 is a number as others', 1, { targets: 'logits', temperature: 3 }, 1],
  ] as const)('%s', (_name, given, of, teacherTemperature) => {
    const expected = { teacherTemperature, teacherTemperatureTensor: null };
    expect(teacherTemperatureArgument(given, of, [2], 'f')).toEqual(expected);
  });
});
