import type * as tf from '@tensorflow/tfjs';
import { SingleBar } from 'cli-progress';
import type { Examples } from '../mnist.ts';
import { indicesOf } from './batches.ts';
import type { Checkpoints } from './checkpoint.ts';
import { costOfBatch, costOfEpochs, type Job } from './plan.ts';
import type { Watcher } from './train.ts';

/** Of these jobs, from where their checkpoints left them. */
export function progressOf(jobs: readonly Job[], examples: Examples, checkpoints: Checkpoints): Progress {
  const costOf = (job: Job, epochs: number) => costOfEpochs(job, epochs, indicesOf(examples, job).length);
  return new Progress(
    jobs.reduce((sum, job) => sum + costOf(job, job.epochs), 0),
    jobs.reduce((sum, job) => sum + costOf(job, checkpoints.read(job)?.epochs ?? 0), 0),
  );
}

/**
 * One bar over all jobs, weighed by what they cost, with the time left; where the output is no terminal, a
 * line per epoch.
 */
export class Progress implements Watcher {
  private readonly bar: SingleBar | null;
  private readonly start = performance.now();
  private done = 0;
  private doneBefore = 0;

  constructor(
    private readonly total: number,
    doneBefore: number,
  ) {
    this.doneBefore = doneBefore;
    this.done = doneBefore;
    this.bar = process.stdout.isTTY
      ? new SingleBar({
          format: '{bar} {percentage} % | {left} left | {title}, epoch {epoch} of {epochs}',
          barsize: 30,
          hideCursor: true,
          barCompleteChar: '█',
          barIncompleteChar: '░',
          etaBuffer: 1,
        })
      : null;
    this.bar?.start(1000, Math.floor((1000 * this.done) / total), {
      left: '?',
      title: 'loading',
      epoch: 0,
      epochs: 0,
    });
  }

  private epochOf = new Map<string, number>();

  batch(job: Job, examples: number): void {
    this.done += costOfBatch(job, examples);
    this.bar?.update(Math.floor((1000 * this.done) / this.total), {
      left: this.timeLeft(),
      title: job.title,
      epoch: (this.epochOf.get(job.name) ?? 0) + 1,
      epochs: job.epochs,
    });
  }

  epoch(job: Job, epochs: number, logs: tf.Logs, seconds: number): void {
    this.epochOf.set(job.name, epochs);
    if (this.bar !== null) return;
    const numbers = Object.entries(logs).map(([name, value]) => `${name} ${value.toFixed(4)}`);
    const percentage = ((100 * this.done) / this.total).toFixed(1);
    console.log(
      `${percentage} % | ${this.timeLeft()} left | ${job.title}, epoch ${epochs} of ${job.epochs} (${(seconds / epochs).toFixed(1)} s each): ${numbers.join(', ')}`,
    );
  }

  /** A line that stays, above the bar. */
  say(line: string): void {
    this.bar?.stop();
    console.log(line);
    this.bar?.start(1000, Math.floor((1000 * this.done) / this.total), {
      left: this.timeLeft(),
      title: '',
      epoch: 0,
      epochs: 0,
    });
  }

  stop(): void {
    this.bar?.stop();
  }

  private timeLeft(): string {
    const worked = this.done - this.doneBefore;
    if (worked === 0) return '?';
    const seconds = (((performance.now() - this.start) / 1000) * (this.total - this.done)) / worked;
    const minutes = Math.ceil(seconds / 60);
    return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
}
