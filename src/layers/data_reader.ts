import { dispose, Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { cacheColumns } from './cache_teacher_logits.ts';
import { CachedLogits } from './cached_logits.ts';
import { type DatasetLike, isDataset } from './dataset.ts';
import { type DatasetTables, tablesOf } from './dataset_tables.ts';
import type {
  DistillerElement,
  DistillerFitDatasetArgs,
  DistillerValidationTensors,
  LossOptions,
} from './distiller_arguments.ts';
import { IdChecks } from './id_checks.ts';
import { inputsOf } from './inputs.ts';
import { checkValidationColumns, type Expected, type Given, type Table, tableOf } from './table.ts';
import { isModel, type Teacher, type TeacherModel } from './teacher.ts';

/** What a call makes, to be freed when it ends, however it ends. */
export class Owned {
  private readonly tensors: Tensor[] = [];
  private readonly datasets: DatasetTables[] = [];

  keep(tensors: readonly Tensor[]): void {
    this.tensors.push(...tensors);
  }

  keepDataset(tables: DatasetTables): DatasetTables {
    this.datasets.push(tables);
    return tables;
  }

  /** Ends when the class ids of all batches were looked at. */
  async settle(): Promise<void> {
    for (const tables of this.datasets) await tables.settle();
  }

  dispose(): void {
    dispose(this.tensors);
    for (const tables of this.datasets) tables.dispose();
  }
}

/** Reads what the calls of a Distiller are given, and finds the teacher's logits for it. */
export class DataReader {
  private readonly expected: Expected;

  constructor(
    student: LayersModel,
    private readonly teacher: Teacher | TeacherModel,
    options: LossOptions,
  ) {
    this.expected = {
      student: inputsOf(student, 'student'),
      teacher: isModel(teacher) ? inputsOf(teacher, 'teacher') : null,
      logits: student.outputs[0].shape.slice(1),
      options,
    };
  }

  /** Tensors to train on. */
  async training(given: Given, owned: Owned, functionName: string): Promise<Table> {
    const ownLogits = this.teacher instanceof Tensor ? this.teacher : undefined;
    const teacherLogits = given.teacherLogits ?? ownLogits;
    const table = this.table({ ...given, teacherLogits }, 'teacherLogits', owned, functionName);
    await new IdChecks(this.expected, functionName).check(table);
    return table;
  }

  /** Tensors to be evaluated at once, so that ids on a GPU are not looked at. */
  evaluated(given: Given, owned: Owned, functionName: string): Table {
    const table = this.table(given, 'teacherLogits', owned, functionName);
    new IdChecks(this.expected, functionName).checkAtOnce(table);
    return table;
  }

  /** Tensors to validate on beside training data. The logits that training has from before are computed once here, too. */
  async validation(
    training: Table,
    data: DistillerValidationTensors,
    teacherLogits: Tensor | undefined,
    owned: Owned,
    functionName: string,
  ): Promise<Table> {
    if (!Array.isArray(data) || data.length > 3) {
      throw new TypeError(
        `${functionName}: validationData must be [x, y] or [x, y, sampleWeight]; got ${data}.`,
      );
    }
    const [x, y, sampleWeight] = data;
    const given = { x, y, teacherLogits, sampleWeight };
    const table = this.table(given, 'validationTeacherLogits', owned, functionName);
    checkValidationColumns(training, table, functionName);
    await new IdChecks(this.expected, functionName).check(table);
    if (training.teacherLogits === null || table.teacherLogits !== null || !isModel(this.teacher))
      return table;
    const ofTeacher = table.teacherAt.map((k) => table.x[k]);
    const logits = await cacheColumns(this.teacher, ofTeacher, functionName);
    owned.keep([logits]);
    return this.table({ ...given, teacherLogits: logits }, '', owned, functionName);
  }

  /** A dataset to train on or to evaluate. */
  async dataset(
    dataset: DatasetLike<DistillerElement>,
    logits: DatasetLike<Tensor> | undefined,
    owned: Owned,
    functionName: string,
    argument = 'teacherLogits of the elements',
  ): Promise<DatasetTables> {
    const tables = await tablesOf(dataset, {
      expected: this.expected,
      logits: logits ?? (this.teacher instanceof CachedLogits ? this.teacher : undefined),
      checkTeacherRuns: (logits) => this.checkTeacherRuns(logits, argument, functionName),
      functionName,
    });
    return owned.keepDataset(tables);
  }

  /** The dataset of logits that the teacher is, if it is one. */
  get logits(): DatasetLike<Tensor> | undefined {
    return isDataset<Tensor>(this.teacher) ? this.teacher : undefined;
  }

  /** What fitDataset validates on. */
  async validationOfDataset(
    training: Table,
    data: NonNullable<DistillerFitDatasetArgs['validationData']>,
    logits: Tensor | DatasetLike<Tensor> | undefined,
    owned: Owned,
    functionName: string,
  ): Promise<Table | DatasetTables> {
    if (Array.isArray(data)) {
      if (logits !== undefined && !(logits instanceof Tensor)) {
        throw new TypeError(
          `${functionName}: for validation tensors, validationTeacherLogits must be a tensor.`,
        );
      }
      return this.validation(training, data, logits, owned, functionName);
    }
    if (logits instanceof Tensor) {
      throw new TypeError(
        `${functionName}: for a validation dataset, validationTeacherLogits must be a dataset.`,
      );
    }
    const tables = await this.dataset(data, logits, owned, functionName, 'validationTeacherLogits');
    checkValidationColumns(training, tables.first, functionName);
    return tables;
  }

  private table(given: Given, argument: string, owned: Owned, functionName: string): Table {
    this.checkTeacherRuns(given.teacherLogits ?? undefined, argument, functionName);
    const table = tableOf(given, this.expected, functionName);
    owned.keep(table.owned);
    return table;
  }

  private checkTeacherRuns(logits: object | undefined, argument: string, functionName: string): void {
    if (logits !== undefined || isModel(this.teacher)) return;
    const what = this.teacher instanceof Tensor ? 'a tensor, the logits' : 'no model but the logits';
    throw new Error(
      `${functionName}: the teacher is ${what} of some data; give those of this data too, as ${argument}.`,
    );
  }
}
