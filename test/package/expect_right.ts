import { referenceRow } from '../reference.ts';
import { type Measurement, STUDENT, TEACHER, TEMPERATURE } from './measure.ts';

/** The kernel ran on the backend asked for, alone, and the numbers are right. */
export function expectRight(measurement: Measurement, backend: string): void {
  const rows = TEACHER.map((teacher, n) =>
    referenceRow({
      teacher,
      student: STUDENT[n],
      temperature: TEMPERATURE,
      scaleByTemperatureSquared: true,
      weight: 1 / TEACHER.length,
    }),
  );
  expect(measurement.backend).toBe(backend);
  expect(measurement.kernels).toContain('SoftmaxCrossEntropyWithTemperature');
  expect(measurement.kernels).not.toContain('Exp');
  const loss = rows.reduce((sum, row) => sum + row.loss, 0);
  expect(Math.abs(measurement.loss - loss)).toBeLessThan(1e-5 * loss);
  const dStudent = rows.flatMap((row) => Array.from(row.dStudent));
  expect(measurement.dStudent).toHaveLength(dStudent.length);
  measurement.dStudent.forEach((gradient, i) => {
    expect(Math.abs(gradient - dStudent[i])).toBeLessThan(1e-5);
  });
}
