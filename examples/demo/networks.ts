/** The three networks as the page shows them. */
import type { NetworkName } from './training.ts';

interface ShownNetwork {
  label: string;
  /** For narrow places. */
  short: string;
  /** A variable of colors.css. */
  color: string;
  dash: number[];
}

export const NETWORKS: Record<NetworkName, ShownNetwork> = {
  teacher: { label: 'Teacher', short: 'Teacher', color: '--teacher', dash: [] },
  student: { label: 'Student, distilled', short: 'Distilled', color: '--student', dash: [] },
  alone: { label: 'Student, labels only', short: 'Labels only', color: '--alone', dash: [6, 4] },
};

export const NAMES = Object.keys(NETWORKS) as NetworkName[];
