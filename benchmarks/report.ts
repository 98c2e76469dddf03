/** Rows as a page of Markdown, losing cases first. */
import { speedUps } from './plots.ts';
import type { Row } from './row.ts';
import { HEAD, sectionsOf } from './table.ts';

/** Within this, two medians are called equal: what the same run gives twice differs by as much. */
const NOISE = 0.03;

/** Lines of a list: what is faster than tfjs-distill, where, and by how much. */
export function losingCases(rows: readonly Row[]): string[] {
  return speedUps(rows)
    .filter(({ speedUp }) => speedUp < 1 - NOISE)
    .sort((a, b) => a.speedUp - b.speedUp)
    .map(
      ({ panel, shape, phase, implementation, speedUp }) =>
        `- ${panel}: ${shape}, ${phase}: ${implementation} takes ${(100 * speedUp).toFixed(0)} % of the time`,
    );
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

/** @param stem of the files that hold rows and plots. */
export function reportOf(rows: readonly Row[], stem: string): string {
  const dates = rows.map(({ date }) => date.slice(0, 10)).sort();
  const versions = [...new Set(rows.map(({ version, commit }) => `${version} at ${commit}`))];
  const losing = losingCases(rows);
  const parts = [
    `# ${stem}`,
    `${versions.join(', ')}; ${[...new Set([dates[0], dates[dates.length - 1]])].join(' to ')}. Written by \`npm run bench:plot\` from ` +
      `[${stem}.json](${stem}.json); what the columns mean is in [benchmarks/README.md](../README.md).`,
    `![Share of copy bandwidth over classes](${stem}-share.svg)`,
    `![Speed-up over stock TensorFlow.js](${stem}-speed-up.svg)`,
    '## Where it loses',
    losing.length > 0
      ? losing.join('\n')
      : 'Nowhere in this run: neither the stock loss nor its ops composed by hand are faster.',
    ...sectionsOf(rows).flatMap(({ title, warning, lines }) => [
      `## ${title}`,
      ...(warning ? [warning] : []),
      [line(HEAD), line(HEAD.map((name) => (name === 'phase' ? '---' : '---:'))), ...lines.map(line)].join(
        '\n',
      ),
    ]),
  ];
  return `${parts.join('\n\n')}\n`;
}
