/** Begins the title of the one case of a suite that was left out: ABSENT in absence.ts. */
const ABSENT = 'backend absent: ';

/** A jest reporter that names the backends this machine lacks, and why: jest's own counts their suites and says no more. JavaScript, because jest loads reporters as they are. */
module.exports = class AbsentBackends {
  /**
   * @param {unknown} _contexts
   * @param {{testResults: {displayName?: {name: string}, testResults: {status: string, title: string}[]}[]}} results
   */
  onRunComplete(_contexts, { testResults }) {
    /** @type {Map<string, {reason: string, suites: number}>} */
    const absent = new Map();
    for (const { displayName, testResults: cases } of testResults) {
      const title = cases.find(
        ({ status, title }) => status === 'pending' && title.startsWith(ABSENT),
      )?.title;
      if (title === undefined || displayName === undefined) continue;
      const suites = (absent.get(displayName.name)?.suites ?? 0) + 1;
      absent.set(displayName.name, { reason: title.slice(ABSENT.length), suites });
    }
    if (absent.size === 0) return;
    const lines = [...absent].map(
      ([name, { reason, suites }]) => `  ${name}: ${reason} (${suites} suite${suites === 1 ? '' : 's'})`,
    );
    console.log(
      `Backends absent on this machine, not tested; TFJS_DISTILL_REQUIRE_BACKENDS=all makes that a failure:\n${lines.join("\n")}\n`,
    );
  }
};
