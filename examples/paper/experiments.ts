import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StartedBackend } from '../../scripts/start_backend.ts';
import type { Mnist } from '../mnist.ts';
import { svgOf } from './chart.ts';
import type { Checkpoints } from './checkpoint.ts';
import { countsOf } from './measure.ts';
import { measuredOf } from './measured.ts';
import { teacherJob } from './plan.ts';
import { progressOf } from './progress.ts';
import { Records, type TeacherMark, type TestedRecord, trainingRecordOf } from './records.ts';
import { keptTeacher, remainingJobs } from './remaining.ts';
import { markdown, table } from './report.ts';
import { writeTeacherLogits } from './teacher_logits.ts';
import { logitsOf, train } from './train.ts';

/** What to train, on what, and where it is kept. */
export interface Experiment {
  mnist: Mnist;
  machine: StartedBackend;
  checkpoints: Checkpoints;
  /** Factor of the planned epochs. */
  scale: number;
  /** Regular expression of the names of the networks to be trained. */
  jobs: string;
  /** Folder for records. */
  results: string;
}

/**
 * Trains and counts the networks of the plan that have no record, and writes the report anew after each. The
 * test images serve to count, after a network's training has ended; nothing is chosen by these counts.
 */
export async function runExperiments(experiment: Experiment): Promise<void> {
  const { mnist, checkpoints, machine, scale, results } = experiment;
  const records = new Records<TestedRecord>(join(results, 'paper.json'));
  const logitsPath = join(results, 'teacher_logits.bin.gz');
  let teacher = keptTeacher(records, teacherJob(scale), logitsPath);
  const remaining = remainingJobs(experiment, records, teacher);
  const progress = progressOf(remaining, mnist.train, checkpoints);
  for (const job of remaining) {
    const learnsFrom = job.targets.kind === 'teacher' ? teacher : null;
    const trained = await train(job, mnist.train, learnsFrom?.logits ?? null, checkpoints, progress);
    const counts = await countsOf(job, trained.model, mnist);
    if (job.role === 'teacher') {
      const logits = await logitsOf(trained.model, mnist.train);
      teacher = { ...writeTeacherLogits(logitsPath, logits), errors: counts.errors };
    }
    const mark = markOf(job.role === 'teacher' ? teacher : learnsFrom);
    records.add({ ...trainingRecordOf(job, trained.seconds, machine), ...mark, counts });
    await writeReport(results, records);
    checkpoints.remove(job);
    trained.model.dispose();
    progress.say(`${job.title}, seed ${job.seed}: ${counts.errors} errors`);
  }
  progress.stop();
  console.log(table(measuredOf(records.all)));
  console.log(`Written to ${results}: paper.json, paper.md, paper.svg.`);
}

function markOf(teacher: TeacherMark | null): { teacher?: TeacherMark } {
  return teacher === null ? {} : { teacher: { id: teacher.id, errors: teacher.errors } };
}

async function writeReport(results: string, records: Records<TestedRecord>): Promise<void> {
  const measured = measuredOf(records.all);
  writeFileSync(join(results, 'paper.md'), `${markdown(measured)}\n`);
  writeFileSync(join(results, 'paper.svg'), await svgOf(measured));
}
