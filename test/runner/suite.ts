/**
 * describe, it, beforeAll, afterAll and expect for a suite that runs outside of jest's process: in a page, or in a Node process of its own. Bundled in
 * front of the suite; `runSuite` then runs the cases one after another and reports each.
 */
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect';
import * as chai from 'chai';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
chai.config.truncateThreshold = 0; // a failure shows both values whole

type Action = () => unknown;

export interface CaseReport {
  titles: string[];
  /** ms */
  duration: number;
  /** The error's stack, or null if the case passed. */
  error: string | null;
}

interface Block {
  titles: string[];
  before: Action[];
  after: Action[];
  cases: { titles: string[]; action: Action; timeout: number }[];
}

const blocks: Block[] = [{ titles: [], before: [], after: [], cases: [] }];
let current = blocks[0];

const CASE_TIMEOUT_MS = 180_000;

Object.assign(globalThis, {
  expect: chai.expect,
  describe(title: string, define: Action) {
    const outer = current;
    current = { titles: [...outer.titles, title], before: [], after: [], cases: [] };
    blocks.push(current);
    define();
    current = outer;
  },
  it(title: string, action: Action, timeout = CASE_TIMEOUT_MS) {
    current.cases.push({ titles: [...current.titles, title], action, timeout });
  },
  beforeAll(action: Action) {
    current.before.push(action);
  },
  afterAll(action: Action) {
    current.after.push(action);
  },
});

async function outcome(action: Action, timeout = CASE_TIMEOUT_MS): Promise<string | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${timeout} ms`)), timeout);
  });
  try {
    await Promise.race([action(), late]);
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    clearTimeout(timer);
  }
}

export interface SuiteOptions {
  /** As jest's --bail: nothing runs after a case that failed. */
  stopsAtFailure: boolean;
  /** As jest's -t: what the titles of a case, one after another, must match; empty for every case. */
  titlePattern: string;
}

/** Runs every case in the order of the file. An error in beforeAll or afterAll fails the cases of its block. */
export async function runSuite(
  describeBackend: () => Promise<string>,
  faults: string[],
  report: (report: CaseReport) => Promise<void> | void,
  { stopsAtFailure, titlePattern }: SuiteOptions,
) {
  let description = 'the backend starts';
  const started = performance.now();
  const startError = await outcome(async () => {
    description = `runs on ${await describeBackend()}`;
  });
  await report({ titles: [description], duration: performance.now() - started, error: startError });
  const isChosen = new RegExp(titlePattern, 'i');
  for (const block of blocks) {
    const cases = block.cases.filter(({ titles }) => isChosen.test(titles.join(' ')));
    if (cases.length === 0) continue;
    let blockError: string | null = startError;
    for (const action of block.before) blockError ??= await outcome(action);
    for (const { titles, action, timeout } of cases) {
      const start = performance.now();
      faults.length = 0;
      let error = blockError ?? (await outcome(action, timeout));
      if (error === null && faults.length > 0) error = `The device reported: ${faults.join('; ')}`;
      await report({ titles, duration: performance.now() - start, error });
      if (error !== null && stopsAtFailure) return;
    }
    for (const action of block.after) {
      const error = await outcome(action);
      if (error) await report({ titles: [...block.titles, 'afterAll'], duration: 0, error });
    }
  }
}
