/** How a dispatch cuts the rows: a team of `lanes` threads owns a row, `workgroup / lanes` teams make a workgroup. Both are powers of two. */
export interface Plan {
  lanes: number;
  workgroup: number;
}

/** What the choice depends on. */
export interface PlanProblem {
  rows: number;
  classes: number;
  /** True if a CPU stands in for the GPU: there a barrier costs as much as hundreds of classes. */
  isSoftware: boolean;
  /** Lanes that the user asks for, or 0. */
  lanes: number;
}

const WARP = 32;
const MOST_LANES = 256;

/** The one place that chooses. Figures: a lane should have about four classes, a row no more lanes than pay for their barriers. */
export function plan({ rows, classes, isSoftware, lanes: asked }: PlanProblem): Plan {
  if (asked !== 0) {
    if (!(asked >= 1 && asked <= MOST_LANES && asked === powerOfTwo(asked))) {
      throw new RangeError(
        `softmaxCrossEntropyWithTemperature: lanes must be a power of two from 1 to ${MOST_LANES}; got ${asked}.`,
      );
    }
    return { lanes: asked, workgroup: Math.max(2 * WARP, asked) };
  }
  if (isSoftware) {
    // One thread a row as long as there are rows for every thread; long rows run best in teams of 16.
    if (classes <= 1024 || (rows >= 1024 && classes <= 8192)) return { lanes: 1, workgroup: WARP };
    return { lanes: 16, workgroup: 16 };
  }
  const lanes = Math.min(MOST_LANES, powerOfTwo(Math.ceil(classes / 4)));
  return { lanes, workgroup: Math.max(2 * WARP, lanes) };
}

/** The smallest power of two that is not below n. */
function powerOfTwo(n: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, n)));
}
