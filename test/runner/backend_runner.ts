/**
 * The jest test runner of the backend projects. A suite is bundled for its project and run where the backend is real: in a headless Chromium, or in a
 * Node process of its own, so that no sandbox stands between tfjs, the driver and the typed arrays. Every case comes back singly.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { createEmptyTestResult, type TestResult } from '@jest/test-result';
import { build } from 'esbuild';
import { launchChromium, whyNoChromium } from '../../scripts/chromium.ts';
import type { BackendProject } from '../backends/projects.ts';
import type { CaseReport } from './suite.ts';

/** What jest hands to a test runner, as far as it is used here. */
interface ProjectConfig {
  rootDir: string;
  globals: { backendProject: BackendProject };
}

/** A comma-separated list of projects, or `all`: these must run, on any machine. */
const REQUIRED = 'TFJS_DISTILL_REQUIRE_BACKENDS';

export default async function runTestFile(
  _globalConfig: unknown,
  config: ProjectConfig,
  _environment: unknown,
  _runtime: unknown,
  testPath: string,
): Promise<TestResult> {
  const project = config.globals.backendProject;
  const start = Date.now();
  const reports: CaseReport[] = [];
  const absent = whyAbsent(project);
  if (absent === null) {
    const bundle = await bundleSuite(config.rootDir, project, testPath);
    const run = project.host === 'chromium' ? runInChromium : runInNode;
    await run(bundle, (report) => reports.push(report)).catch((error: Error) => {
      reports.push({
        titles: ['the suite runs to its end'],
        duration: 0,
        error: error.stack ?? error.message,
      });
    });
  }
  return toTestResult(project, testPath, start, reports, absent);
}

function whyAbsent(project: BackendProject): string | null {
  const reason = project.host === 'chromium' || project.backendName === 'webgpu' ? whyNoChromium() : null;
  if (reason === null) return null;
  const required = (process.env[REQUIRED] ?? '').split(',');
  if (required.includes('all') || required.includes(project.name)) return null; // let it fail with its own error
  return reason;
}

/** One script with the suite, the package and one single copy of tfjs-core. */
async function bundleSuite(root: string, project: BackendProject, testPath: string): Promise<string> {
  const inNode = project.host === 'node';
  const folder = join(root, '.cache', 'suites', project.name);
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${basename(testPath, '.ts')}.cjs`);
  const entry = `
    import { runSuite } from './test/runner/suite.ts';
    import { describeBackend, validationErrors } from './test/backends/current.ts';
    import ${JSON.stringify(testPath)};
    ${inNode && project.backendName === 'webgpu' ? "import { provideWebGPU } from './scripts/dawn.ts';" : 'const provideWebGPU = async () => {};'}
    globalThis.startSuite = async (report) => {
      await provideWebGPU();
      await runSuite(describeBackend, validationErrors, report);
    };`;
  await build({
    stdin: { contents: entry, resolveDir: root, loader: 'ts' },
    outfile,
    bundle: true,
    platform: inNode ? 'node' : 'browser',
    format: inNode ? 'cjs' : 'iife',
    mainFields: ['module', 'main'],
    target: 'es2022',
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'error',
    external: inNode
      ? ['webgpu', 'playwright-core']
      : ['fs', 'path', 'perf_hooks', 'os', 'worker_threads', 'util', 'crypto'],
    define: {
      BACKEND_PROJECT: JSON.stringify(project),
      WASM_FOLDER: JSON.stringify(`${resolve(root, 'node_modules/@tensorflow/tfjs-backend-wasm/dist')}/`),
    },
  });
  return outfile;
}

async function runInNode(bundle: string, report: (report: CaseReport) => void): Promise<void> {
  const main = bundle.replace(/\.cjs$/, '.main.cjs');
  writeFileSync(
    main,
    `require(${JSON.stringify(bundle)});
     globalThis.startSuite((report) => void process.send(report)).then(() => process.disconnect(), (error) => {
       process.send({ titles: ['the suite runs to its end'], duration: 0, error: error.stack });
       process.disconnect();
     });`,
  );
  const child: ChildProcess = fork(main, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--enable-source-maps'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.on('message', (message) => report(message as CaseReport));
  await new Promise<void>((done, fail) => {
    let finished = false;
    child.on('disconnect', () => {
      finished = true;
      child.kill(); // Dawn keeps a process alive
      done();
    });
    child.on('exit', (code, signal) => {
      if (!finished)
        fail(new Error(`The process of the suite ended early, ${signal ?? code}:\n${stderr.slice(-2000)}`));
    });
  });
}

async function runInChromium(bundle: string, report: (report: CaseReport) => void): Promise<void> {
  const { readFileSync } = await import('node:fs');
  const server = createServer((request, response) => {
    const isScript = request.url === '/suite.js';
    response.setHeader(
      'content-type',
      isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8',
    );
    response.end(
      isScript
        ? readFileSync(bundle)
        : '<!doctype html><title>suite</title><script src="/suite.js"></script>',
    );
  });
  await new Promise<void>((done) => server.listen(0, 'localhost', done));
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const pageErrors: string[] = [];
    page.on('pageerror', (error) => pageErrors.push(error.stack ?? error.message));
    await page.exposeFunction('reportCase', report);
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    if (pageErrors.length > 0)
      throw new Error(`The page failed to load the suite:\n${pageErrors.join('\n')}`);
    const crashed = new Promise<never>((_, fail) =>
      page.on('crash', () => fail(new Error('The page crashed.'))),
    );
    await Promise.race([page.evaluate('startSuite(reportCase)'), crashed]);
  } finally {
    await browser.close();
    server.close();
  }
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
    reports.push({ titles: [`backend absent: ${absent}`], duration: 0, error: null });
    result.skipped = false;
  } else if (reports.length < 2) {
    reports.push({ titles: ['the suite has cases'], duration: 0, error: 'no case ran' });
  }
  for (const { titles, duration, error } of reports) {
    const ancestorTitles = titles.slice(0, -1);
    result.testResults.push({
      ancestorTitles,
      title: titles[titles.length - 1],
      fullName: titles.join(' '),
      duration: Math.round(duration),
      failureDetails: [],
      failureMessages: error === null ? [] : [error],
      numPassingAsserts: error === null ? 1 : 0,
      status: absent !== null ? 'pending' : error === null ? 'passed' : 'failed',
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
