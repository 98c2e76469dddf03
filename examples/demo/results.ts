/** The end of a training: errors of the three networks, and what one has seen. */
import { byId, element, tableRow } from './elements.ts';
import { NAMES, NETWORKS } from './networks.ts';
import { countErrors, type NetworkName, type Networks } from './training.ts';

/** How a network reads the test images. */
export interface Score {
  errors: number;
  errorsOnHidden: number;
}

export interface Scores {
  hiddenDigit: number;
  /** Test images, and those of the hidden digit. */
  images: number;
  imagesOfHidden: number;
  /** Null before a training has ended. */
  networks: Record<NetworkName, Score> | null;
}

export function scoreOf(logits: Float32Array, labels: Uint8Array, hiddenDigit: number): Score {
  return {
    errors: countErrors(logits, labels),
    errorsOnHidden: countErrors(logits, labels, hiddenDigit),
  };
}

export function showScores(networks: Networks, scores: Scores): void {
  const { hiddenDigit, imagesOfHidden } = scores;
  byId('hidden-digit').textContent = hiddenDigit < 0 ? '' : `of ${count(imagesOfHidden)} ${hiddenDigit}s`;
  const rows = NAMES.map((name) => {
    const score = scores.networks?.[name];
    return tableRow(
      [element('i', `key ${name}`), NETWORKS[name].label],
      [
        count(networks[name].parameters),
        score ? count(score.errors) : '–',
        hiddenDigit < 0 ? '' : score ? count(score.errorsOnHidden) : '–',
      ],
    );
  });
  byId('results')
    .querySelector('tbody')
    ?.replaceChildren(...rows);
}

/** In a sentence or two what the training has shown, whatever that is. */
export function conclusionOf({ hiddenDigit, images, imagesOfHidden, networks }: Scores): string {
  if (networks === null) return '';
  const { teacher, student, alone } = networks;
  if (hiddenDigit < 0) {
    return (
      `Of ${count(images)} test images the distilled student misreads ${count(student.errors)}, ` +
      `the same student on labels only ${count(alone.errors)}, and their teacher ${count(teacher.errors)}.`
    );
  }
  const read = ({ errorsOnHidden }: Score) => count(imagesOfHidden - errorsOnHidden);
  const how =
    student.errorsOnHidden < alone.errorsOnHidden
      ? ` What it knows of ${hiddenDigit}s, the teacher’s outputs for other digits have told it.`
      : '';
  return (
    `Of ${count(imagesOfHidden)} ${hiddenDigit}s the distilled student reads ${read(student)}, though it was never shown one; ` +
    `the same student on labels only reads ${read(alone)}, the teacher ${read(teacher)}.${how}`
  );
}

function count(value: number): string {
  return value.toLocaleString('en');
}
