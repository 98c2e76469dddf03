import Table from 'cli-table3';

/** Characters between two columns. */
export const GAP = '  ';

/** A rule under the head, and nothing between columns but room. */
const BARE = {
  ...Object.fromEntries(
    ['top', 'bottom', 'left', 'right'].flatMap((side) => {
      const corners = side === 'top' || side === 'bottom' ? ['', '-mid', '-left', '-right'] : ['', '-mid'];
      return corners.map((corner) => [side + corner, '']);
    }),
  ),
  middle: GAP,
  'mid-mid': '──',
};

/**
 * A table as text without colours, the same in a terminal and in a file: `left` names the columns of words,
 * all others hold numbers.
 */
export function bareTable(
  head: readonly string[],
  lines: readonly (readonly string[])[],
  left: readonly string[],
): string {
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
    chars: BARE,
    colAligns: head.map((name) => (left.includes(name) ? 'left' : 'right')),
  });
  table.push(...lines.map((line) => [...line]));
  return table.toString();
}
