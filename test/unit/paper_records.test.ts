import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measuredOf } from '../../examples/paper/measured.ts';
import { type Job, planJobs, teacherJob } from '../../examples/paper/plan.ts';
import { Records, type TeacherMark, type TestedRecord } from '../../examples/paper/records.ts';
import { keptTeacher, remainingJobs } from '../../examples/paper/remaining.ts';
import { linesOf } from '../../examples/paper/report.ts';
import { readTeacherLogits, writeTeacherLogits } from '../../examples/paper/teacher_logits.ts';
import { Random } from '../random.ts';

const PLAN = { scale: 1, jobs: '' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tfjs-distill-records-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const openRecords = () => new Records<TestedRecord>(join(folder, 'paper.json'));
const logitsPath = () => join(folder, 'teacher_logits.bin.gz');

function jobNamed(name: string): Job {
  const job = planJobs(PLAN.scale).find((job) => job.name === name);
  if (job === undefined) throw new Error(`The plan has no ${name}.`);
  return job;
}

function recordOf(job: Job, errors: number, teacher?: TeacherMark): TestedRecord {
  const machine = { seconds: 1, date: '2026-01-01', backend: 'cpu', device: 'test' };
  return { job, ...machine, ...(teacher && { teacher }), counts: { errors } };
}

const namesRemaining = (teacher: TeacherMark | null) =>
  remainingJobs(PLAN, openRecords(), teacher).map(({ name }) => name);

describe('records of npm run paper', () => {
  it('keep a network from being trained again, in another process too, until its plan changes', () => {
    const job = jobNamed('hardStudent-seed2');
    expect(namesRemaining(null)).toContain(job.name);
    openRecords().add(recordOf({ ...job, epochs: job.epochs - 1 }, 150));
    expect(namesRemaining(null)).toContain(job.name);
    openRecords().add(recordOf(job, 140));
    expect(namesRemaining(null)).not.toContain(job.name);
    expect(openRecords().all).toHaveLength(1);
  });

  it('let a student be taught again by another teacher, which labels do not', () => {
    const [old, present] = ['old', 'present'].map((id) => ({ id, errors: 90 }));
    const records = openRecords();
    records.add(recordOf(jobNamed('softStudent-seed1'), 100, old));
    records.add(recordOf(jobNamed('hardStudent-seed1'), 140));
    expect(namesRemaining(old)).not.toContain('softStudent-seed1');
    expect(namesRemaining(present)).toContain('softStudent-seed1');
    expect(namesRemaining(present)).not.toContain('hardStudent-seed1');
  });

  it('hold a teacher for as long as its logits are there', () => {
    const job = teacherJob(PLAN.scale);
    const logits = Float32Array.from({ length: 100 }, () => 20 * new Random(1).normal());
    const { id } = writeTeacherLogits(logitsPath(), logits);
    openRecords().add(recordOf(job, 70, { id, errors: 70 }));
    const teacher = keptTeacher(openRecords(), job, logitsPath());
    expect(teacher).toMatchObject({ id, errors: 70 });
    expect(namesRemaining(teacher)).not.toContain('teacher');
    writeTeacherLogits(
      logitsPath(),
      logits.map((logit) => logit + 1),
    ); // of another
    expect(keptTeacher(openRecords(), job, logitsPath())).toBeNull();
    rmSync(logitsPath());
    expect(keptTeacher(openRecords(), job, logitsPath())).toBeNull();
    expect(namesRemaining(null)).toContain('teacher');
  });

  it('keep logits to a sixty-fourth, the same when read as when written', () => {
    const random = new Random(2);
    const logits = Float32Array.from({ length: 1000 }, () => 20 * random.normal());
    const written = writeTeacherLogits(logitsPath(), logits);
    expect(readTeacherLogits(logitsPath())).toEqual(written);
    written.logits.forEach((logit, k) => {
      expect(Math.abs(logit - logits[k])).toBeLessThanOrEqual(1 / 128);
    });
  });
});

describe('the report of npm run paper', () => {
  const ours = (records: readonly TestedRecord[]) => linesOf(measuredOf(records)).map((line) => line[2]);
  const old = { id: 'old', errors: 93 };
  const present = { id: 'present', errors: 70 };
  const soft = (seed: number, errors: number, teacher: TeacherMark) =>
    recordOf(jobNamed(`softStudent-seed${seed}`), errors, teacher);

  it('has mean, standard deviation and each seed', () => {
    const records = [138, 150, 144].map((errors, k) =>
      recordOf(jobNamed(`hardStudent-seed${3 - k}`), errors),
    );
    expect(ours(records)[1]).toBe('144 ± 6 (144, 150, 138)');
    expect(ours([])[1]).toBe('…');
  });

  it('shows students of an earlier teacher, and says so, until the first of the present one', () => {
    const teacher = recordOf(teacherJob(PLAN.scale), 70, present);
    const early = [teacher, soft(1, 104, old), soft(2, 108, old)];
    expect(ours(early)[2]).toBe('106 ± 3 (104, 108) (of an earlier teacher with 93 errors)');
    expect(ours([...early.slice(0, 2), soft(2, 85, present)])[2]).toBe('85');
  });
});
