import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Compiled } from './compiled.ts';
import { type LossOptions, withoutHardTerm } from './distiller_arguments.ts';
import { inputsOf } from './inputs.ts';
import { needsLabels } from './measures.ts';
import type { Table } from './table.ts';
import { isModel, type Teacher, type TeacherModel } from './teacher.ts';
import { type ColumnInput, TrainingModel } from './training_model.ts';

/** The models that train a student, one for each kind of data: kept for further calls with the same columns, so that one graph serves them all. */
export class TrainingModels {
  private readonly kept = new Map<string, TrainingModel>();

  constructor(
    private readonly student: LayersModel,
    private readonly teacher: Teacher | TeacherModel,
    private readonly options: LossOptions,
  ) {}

  of(table: Table, classWeight: number[] | null, compiled: Compiled): TrainingModel {
    const columns = columnInputs(table, this.student.inputs.length);
    const given = {
      x: table.x.length,
      teacherLogits: table.teacherLogits !== null,
      labels: table.labels !== null,
      weights: table.weights !== null,
    };
    const { teacherAt } = table;
    const key = JSON.stringify({ columns, given, teacherAt, classWeight });
    const kept = this.kept.get(key);
    if (kept !== undefined) return kept;
    const { student, teacher } = this;
    const { outputs = 'softmax', ...options } = this.options;
    const measures = compiled.measures.filter((metric) => given.labels || !needsLabels(metric));
    const training = new TrainingModel(
      {
        student,
        teacher: isModel(teacher)
          ? { model: teacher, inputs: inputsOf(teacher, 'teacher'), at: teacherAt }
          : null,
        columns: given,
        outputs,
        options: given.labels ? options : withoutHardTerm(options),
        classWeight,
        measures,
      },
      columns,
    );
    training.compileStep(compiled.optimizer, measures, given.labels ? compiled.functions : []);
    this.kept.set(key, training);
    return training;
  }

  clear(): void {
    this.kept.clear();
  }
}

/** What a batch holds besides the inputs of the student. */
function columnInputs({ x, teacherLogits, labels, weights }: Table, inputs: number): ColumnInput[] {
  const others = [...x.slice(inputs), teacherLogits, labels, weights].filter((column) => column !== null);
  return others.map(({ rank, shape, dtype }) => ({
    shape: rank === 1 ? [1] : shape.slice(1),
    dtype: dtype === 'int32' ? 'int32' : 'float32',
  }));
}
