/**
 * What has been trained and counted, in files that are committed: no network that stands there is trained
 * again, on whatever machine.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { StartedBackend } from '../../scripts/start_backend.ts';
import type { Counts } from './figures.ts';
import type { Job } from './plan.ts';

/** A network that was trained to the end of its plan. */
export interface TrainingRecord {
  job: Job;
  /** That its epochs took. */
  seconds: number;
  /** Day of its end, year-month-day. */
  date: string;
  backend: string;
  device: string;
}

/** One whose errors among the test images were counted. */
export interface TestedRecord extends TrainingRecord {
  /** Whose soft targets it learned; that of a teacher is its own. */
  teacher?: TeacherMark;
  counts: Counts;
}

/** One of the candidates for a plan. */
export interface TuningRecord extends TrainingRecord {
  heldOutErrors: number;
  /** Mean over the held-out images, nats. */
  heldOutCrossEntropy: number;
}

/** Tells a teacher from others. */
export interface TeacherMark {
  /** By its logits, or by its date if these were not kept. */
  id: string;
  /** Among the test images. */
  errors: number;
}

export class Records<R extends TrainingRecord> {
  private records: R[];

  /** @param path of a JSON file; written at the first record. */
  constructor(private readonly path: string) {
    this.records = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).networks : [];
  }

  get all(): readonly R[] {
    return this.records;
  }

  /** Of a job with the very same settings. */
  find(job: Job): R | undefined {
    return this.records.find((record) => isDeepStrictEqual(settingsOf(record.job), settingsOf(job)));
  }

  /** Takes the place of a record of the same name. */
  add(record: R): void {
    this.records = [...this.records.filter(({ job }) => job.name !== record.job.name), record];
    mkdirSync(dirname(this.path), { recursive: true });
    writeFileSync(this.path, `${JSON.stringify({ networks: this.records }, null, 2)}\n`);
  }
}

export function trainingRecordOf(
  job: Job,
  seconds: number,
  { name: backend, device }: StartedBackend,
): TrainingRecord {
  return { job, seconds: Math.round(seconds), date: new Date().toISOString().slice(0, 10), backend, device };
}

/** As JSON has them, which knows no undefined; the title is for people. */
export function settingsOf({ title: _, ...settings }: Job): unknown {
  return JSON.parse(JSON.stringify(settings));
}
