import { type ReferenceRow, referenceRow } from '../reference.ts';

/** Fourth-order central difference. */
function slope(f: (x: number) => number, x: number, step = 1e-4): number {
  return (8 * (f(x + step) - f(x - step)) - (f(x + 2 * step) - f(x - 2 * step))) / (12 * step);
}

const V = [1.2, -0.7, 0.1, 2.3];
const Z = [0.3, 0.2, -1.1, 1.5];
const P = [0.3, 0.2, 0.1, 0.6];

describe('the float64 reference agrees with itself: its gradients are the slopes of its values', () => {
  for (const divergence of ['crossEntropy', 'kl', 'reverseKl', 'jsd'] as const) {
    for (const [targets, teacherTemperature] of [
      ['logits', 1.7],
      ['logits', 0.6],
      ['probabilities', 1],
      ['probabilities', 1.7],
      ['probabilities', 0.6],
    ] as const) {
      it(`${divergence} of ${targets} at ${teacherTemperature}`, () => {
        const teacher = targets === 'logits' ? V : P;
        const row: ReferenceRow = {
          teacher,
          student: Z,
          temperature: 1.7,
          teacherTemperature,
          divergence,
          targets,
          beta: 0.3,
          softWeight: 0.6,
          hardWeight: 0.4,
          label: 2,
          labelSmoothing: 0.1,
          weight: 1.5,
          scaleByTemperatureSquared: true,
        };
        const { dStudent, dTeacher } = referenceRow(row);
        const moved = (values: number[], i: number, x: number) =>
          values.map((value, k) => (k === i ? x : value));
        for (let i = 0; i < 4; i++) {
          expect(dStudent[i]).toBeCloseTo(
            slope((x) => referenceRow({ ...row, student: moved(Z, i, x) }).loss, Z[i]),
            9,
          );
          expect(dTeacher[i]).toBeCloseTo(
            slope((x) => referenceRow({ ...row, teacher: moved(teacher, i, x) }).loss, teacher[i], 1e-5),
            7,
          );
        }
      });
    }
  }

  it('a hand-computed case: two classes, v = [0, ln 3], z = [0, 0], T = 1', () => {
    const { loss, dStudent } = referenceRow({ teacher: [0, Math.log(3)], student: [0, 0], temperature: 1 });
    expect(loss).toBeCloseTo(Math.log(2), 14);
    expect(Array.from(dStudent)).toEqual([expect.closeTo(0.25, 14), expect.closeTo(-0.25, 14)]);
  });
});
