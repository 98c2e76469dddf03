/**
 * The globals of a suite that runs outside of jest's process: in a page, or in a Node process of its own.
 * Bundled in front of the suite; `runSuite` then runs the cases one after another and reports each.
 */
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect';
import * as chai from 'chai';
import { CASE_TIMEOUT_MS, type CaseReport, outcome, SuiteOfCases, type SuiteOptions } from './blocks.ts';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
chai.config.truncateThreshold = 0; // a failure shows both values whole

const suite = new SuiteOfCases();

Object.assign(globalThis, { expect: chai.expect, ...suite.globals });

/**
 * Runs every case, after one that the backend starts. `faults` is where the device leaves what it has to
 * report.
 */
export async function runSuite(
  describeBackend: () => Promise<string>,
  faults: string[],
  report: (report: CaseReport) => Promise<void> | void,
  options: SuiteOptions,
) {
  let description = 'the backend starts';
  const start = performance.now();
  const describe = async () => {
    description = `runs on ${await describeBackend()}`;
  };
  const error = await outcome({ action: describe, timeout: CASE_TIMEOUT_MS });
  await report({ titles: [description], duration: performance.now() - start, error });
  await suite.run(options, report, () => faults.splice(0), error);
}
