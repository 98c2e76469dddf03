import { type Objective, OF_ITS_ROW, OF_STUDENT } from '../objective.ts';

/** A value for all rows, or one for each. */
export type ValuesOfRows = ArrayLike<number>;

export const valueOfRow = (values: ValuesOfRows, n: number): number => values[values.length === 1 ? 0 : n];

/** T of a row, and T of its teacher. */
export interface Temperatures {
  student: number;
  teacher: number;
}

export interface TemperaturesOfRows {
  temperature: ValuesOfRows;
  /** null: `teacherTemperature` of the objective says which. */
  teacherTemperature: ValuesOfRows | null;
}

/** Null if one of the row's two is none: not above 0, or not finite. */
export function temperaturesOf(
  { temperature, teacherTemperature }: TemperaturesOfRows,
  objective: Pick<Objective, 'teacherTemperature'>,
  n: number,
): Temperatures | null {
  const student = valueOfRow(temperature, n);
  const teacher =
    objective.teacherTemperature === OF_STUDENT
      ? student
      : objective.teacherTemperature === OF_ITS_ROW && teacherTemperature !== null
        ? valueOfRow(teacherTemperature, n)
        : objective.teacherTemperature;
  return isTemperature(student) && isTemperature(teacher) ? { student, teacher } : null;
}

const isTemperature = (t: number) => t > 0 && t < Number.POSITIVE_INFINITY;
