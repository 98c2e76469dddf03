import { join } from 'node:path';
import { holdOut } from './batches.ts';
import { planCandidates } from './candidates.ts';
import { countErrors, meanCrossEntropy } from './errors.ts';
import type { Experiment } from './experiments.ts';
import { progressOf } from './progress.ts';
import { Records, type TuningRecord, trainingRecordOf } from './records.ts';
import { logitsOf, train } from './train.ts';

/**
 * Trains the candidates for a teacher without the held-out images, and counts errors among these. The test
 * images are left alone.
 */
export async function tune({ mnist, checkpoints, machine, scale, jobs, results }: Experiment): Promise<void> {
  const { kept, heldOut } = holdOut(mnist.train);
  const records = new Records<TuningRecord>(join(results, 'tuning.json'));
  const lacking = planCandidates(scale).filter(
    (job) => new RegExp(jobs).test(job.name) && records.find(job) === undefined,
  );
  const progress = progressOf(lacking, kept, checkpoints);
  for (const job of lacking) {
    const { model, seconds } = await train(job, kept, null, checkpoints, progress);
    const logits = await logitsOf(model, heldOut);
    records.add({
      ...trainingRecordOf(job, seconds, machine),
      heldOutErrors: countErrors(logits, heldOut).errors,
      heldOutCrossEntropy: Number(meanCrossEntropy(logits, heldOut).toFixed(4)),
    });
    checkpoints.remove(job);
    model.dispose();
  }
  progress.stop();
  for (const { job, heldOutErrors, heldOutCrossEntropy } of records.all) {
    console.log(`${job.title}: ${heldOutErrors} held-out errors, cross entropy ${heldOutCrossEntropy}`);
  }
}
