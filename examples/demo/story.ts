/** What happens on the page, told while it happens. */
import type { Options } from './options.ts';
import type { Progress } from './training.ts';

export function openingOf({ hiddenDigit, trainingImages }: Options): string {
  const images = trainingImages.toLocaleString('en');
  const lesson = hiddenDigit < 0 ? '' : ` without a single ${hiddenDigit}`;
  return `Press Train. First a large network, the teacher, learns from ${images} labelled digits. Then two small ones, alike to the last weight, learn from the same images${lesson}: one from the teacher, one from the labels.`;
}

export function storyOf(phase: Progress['phase'], { hiddenDigit }: Options): string {
  switch (phase) {
    case 'teacher':
      return hiddenDigit < 0
        ? 'The teacher learns from the labels. The students wait, and guess at random.'
        : `The teacher learns from the labels, ${hiddenDigit}s among them. The students wait, and guess at random.`;
    case 'students':
      return hiddenDigit < 0
        ? 'One student learns from the labels, the other from the teacher: how much, to it, each image resembles each digit.'
        : `Both students see every digit but the ${hiddenDigit}s. One learns from the labels; the other from the teacher: how much, to it, each image resembles each digit, a ${hiddenDigit} too.`;
    default:
      return phase satisfies never;
  }
}

/** The options in short. */
export function inShort({ epochs, temperature, alpha, hiddenDigit }: Options): string {
  const hidden = hiddenDigit < 0 ? 'all digits' : `no ${hiddenDigit} for the students`;
  return `T = ${temperature}, alpha ${alpha}, ${epochs} epoch${epochs === 1 ? '' : 's'}, ${hidden}`;
}
