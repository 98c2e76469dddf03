/**
 * The jest test runner of the backend projects. A suite is bundled for its project and run where the backend
 * is real: in a headless Chromium, or in a Node process of its own, so that no sandbox stands between tfjs,
 * the driver and the typed arrays. Every case comes back singly.
 */
import { basename } from 'node:path';
import { createEmptyTestResult, type TestResult } from '@jest/test-result';
import { whyAbsent } from '../../scripts/run_on_backend.ts';
import type { BackendProject } from '../backends/projects.ts';
import { ABSENT, whySkipped } from './absence.ts';
import type { CaseReport } from './blocks.ts';
import { casesOf } from './cases_of.ts';

/** What jest hands to a test runner, as far as it is used here. */
interface ProjectConfig {
  rootDir: string;
  globals: { backendProject: BackendProject };
}

export default async function runTestFile(
  { bail, testNamePattern = '' }: { bail: number; testNamePattern?: string },
  config: ProjectConfig,
  _environment: unknown,
  _runtime: unknown,
  testPath: string,
): Promise<TestResult> {
  const project = config.globals.backendProject;
  const start = Date.now();
  const absent = whySkipped(project.name, whyAbsent(project));
  const parts = [...(project.suites ?? []), ...(project.narrowed ?? []), ...(project.layers ?? [])];
  const part = parts.find(({ name }) => name === basename(testPath, '.test.ts'));
  const options = { stopsAtFailure: bail > 0, titlePattern: bothOf(testNamePattern, part?.cases ?? '') };
  const reports = absent === null ? await casesOf(config.rootDir, project, testPath, options) : [];
  if (reports.length < 2 && absent === null && testNamePattern === '')
    reports.push({ titles: ['the suite has cases'], duration: 0, error: 'no case ran' });
  return toTestResult(project, testPath, start, reports, absent);
}

/** A pattern for what matches both; an empty one matches everything. */
function bothOf(a: string, b: string): string {
  return a === '' || b === '' ? a + b : `^(?=[^]*(?:${a}))(?=[^]*(?:${b}))`;
}

function toTestResult(
  project: BackendProject,
  testPath: string,
  start: number,
  reports: CaseReport[],
  absent: string | null,
): TestResult {
  const result = createEmptyTestResult();
  result.testFilePath = testPath;
  result.displayName = { name: project.name, color: 'white' };
  if (absent !== null) {
    reports.push({ titles: [`${ABSENT}${absent}`], duration: 0, error: null });
  }
  for (const { titles, duration, error, isSkipped } of reports) {
    const ancestorTitles = titles.slice(0, -1);
    result.testResults.push({
      ancestorTitles,
      title: titles[titles.length - 1],
      fullName: titles.join(' '),
      duration: Math.round(duration),
      failureDetails: [],
      failureMessages: error === null ? [] : [error],
      numPassingAsserts: error === null && !isSkipped ? 1 : 0,
      status: absent !== null || isSkipped ? 'pending' : error === null ? 'passed' : 'failed',
      location: null,
      invocations: 1,
      retryReasons: [],
    });
  }
  const failed = result.testResults.filter(({ status }) => status === 'failed');
  result.numFailingTests = failed.length;
  result.numPassingTests = result.testResults.filter(({ status }) => status === 'passed').length;
  result.numPendingTests = result.testResults.filter(({ status }) => status === 'pending').length;
  result.failureMessage =
    failed.length === 0
      ? null
      : failed
          .map(({ fullName, failureMessages }) => `  ● ${fullName}\n\n${failureMessages.join('\n')}\n`)
          .join('\n');
  const end = Date.now();
  result.perfStats = { ...result.perfStats, start, end, runtime: end - start, slow: false };
  return result;
}
