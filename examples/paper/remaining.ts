/** What of the plan is still to be trained. */
import { type Job, planJobs } from './plan.ts';
import type { Records, TeacherMark, TestedRecord } from './records.ts';
import { readTeacherLogits, type TeacherLogits } from './teacher_logits.ts';

export type KeptTeacher = TeacherMark & TeacherLogits;

/** The teacher of the plan, if it was trained and its logits are there. */
export function keptTeacher(
  records: Records<TestedRecord>,
  job: Job,
  logitsPath: string,
): KeptTeacher | null {
  const mark = records.find(job)?.teacher;
  const kept = readTeacherLogits(logitsPath);
  return mark !== undefined && kept?.id === mark.id ? { ...mark, ...kept } : null;
}

/**
 * A student of another teacher is trained anew, and a teacher whose logits are lost if there are students to
 * be taught.
 */
export function remainingJobs(
  { scale, jobs }: { scale: number; jobs: string },
  records: Records<TestedRecord>,
  teacher: TeacherMark | null,
): Job[] {
  const pattern = new RegExp(jobs);
  return planJobs(scale).filter((job) => {
    const record = records.find(job);
    const isSame = record?.teacher?.id === teacher?.id || job.targets.kind === 'labels';
    return pattern.test(job.name) && !(record !== undefined && isSame);
  });
}
