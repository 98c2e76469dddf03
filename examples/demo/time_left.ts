import type { Progress } from './training.ts';

/**
 * ms of the past that tell the pace: a GPU's first steps compile its programs, and other tabs come and go.
 */
const WINDOW = 8000;
/** ms without which one tells nothing. */
const LEAST = 1200;

/** How long a phase of the training goes on, from its pace of late. */
export class TimeLeft {
  private reports: { time: number; images: number }[] = [];

  /** Forgets the pace: another phase has another one, and a pause has none. */
  reset(): void {
    this.reports = [];
  }

  /** Seconds, or null while it is too early to tell. @param now ms */
  report({ imagesSeen, imagesTotal }: Progress, now = performance.now()): number | null {
    this.reports.push({ time: now, images: imagesSeen });
    this.reports = this.reports.filter(({ time }) => now - time <= WINDOW);
    const [{ time, images }] = this.reports;
    if (now - time < LEAST || imagesSeen === images) return null;
    return ((now - time) / 1000) * ((imagesTotal - imagesSeen) / (imagesSeen - images));
  }
}

/** Rounded to what such an estimate is worth. */
export function inWords(seconds: number): string {
  if (seconds >= 57.5) return `about ${Math.max(1, Math.round(seconds / 60))} min`;
  return seconds < 7.5 ? 'a few seconds' : `about ${5 * Math.round(seconds / 5)} s`;
}
