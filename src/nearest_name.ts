/**
 * The name that was probably meant by one that is not known, or null: `batchSize` for `batch_size`,
 * `sampleWeight` for `sampleWeights`.
 */
export function nearestName(name: string, known: readonly string[]): string | null {
  const given = plain(name);
  const near = known
    .map((candidate) => ({ candidate, edits: editsBetween(given, plain(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.min(2, Math.floor(candidate.length / 3)));
  return near.toSorted((a, b) => a.edits - b.edits)[0]?.candidate ?? null;
}

/** Without what tells camelCase from snake_case. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** How many letters have to be put in, left out or changed (Levenshtein). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + change);
    }
  }
  return row[b.length];
}
