/** Runs a script where a backend of tfjs is real: in a headless Chromium, or in a Node process of its own that no sandbox stands in. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import type { BackendProject } from '../test/backends/projects.ts';
import { PAGE_WASM_FOLDER, WASM_FOLDER } from './bundle_for_backend.ts';
import { launchChromium, whyNoChromium } from './chromium.ts';
import { whyNoTensorFlow } from './setup_tensorflow.ts';

/** What the script that is bundled leaves behind as `globalThis.start`: it reports as it goes, and its promise is the end. */
export type Start<Report, Argument = undefined> = (
  report: (report: Report) => Promise<void> | void,
  argument: Argument,
) => Promise<void>;

/** Why this machine cannot run the backend, or null if it can. */
export function whyAbsent({ host, backendName }: BackendProject): string | null {
  if (backendName === 'tensorflow') return whyNoTensorFlow();
  return host === 'chromium' || backendName === 'webgpu' ? whyNoChromium() : null;
}

/** Runs a bundle to its end. Throws if it does, or if its process or page ends early. */
export async function runOnBackend<Report, Argument = undefined>(
  project: BackendProject,
  bundle: string,
  report: (report: Report) => void,
  argument?: Argument,
): Promise<void> {
  await (project.host === 'chromium' ? runInChromium : runInNode)(bundle, report, argument);
}

type Message<Report> = { report: Report } | { end: { error: string | null } };

async function runInNode<Report>(
  bundle: string,
  report: (report: Report) => void,
  argument: unknown,
): Promise<void> {
  const main = bundle.replace(/\.cjs$/, '.main.cjs');
  writeFileSync(
    main,
    `require(${JSON.stringify(bundle)});
     process.once('message', ([argument]) =>
       globalThis.start((report) => void process.send({ report }), argument).then(
         () => process.send({ end: { error: null } }),
         (error) => process.send({ end: { error: error.stack ?? String(error) } }),
       ));`,
  );
  const child: ChildProcess = fork(main, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--enable-source-maps'],
  });
  child.send([argument]);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  await new Promise<void>((done, fail) => {
    child.on('message', (message: Message<Report>) => {
      if ('report' in message) return report(message.report);
      child.removeAllListeners('exit').kill(); // Dawn keeps a process alive
      if (message.end.error === null) done();
      else fail(new Error(message.end.error));
    });
    child.on('exit', (code, signal) =>
      fail(new Error(`The process ended early, ${signal ?? code}:\n${stderr.slice(-2000)}`)),
    );
  });
}

async function runInChromium<Report>(
  bundle: string,
  report: (report: Report) => void,
  argument: unknown,
): Promise<void> {
  const server = createServer(({ url = '/' }, response) => {
    // Isolated, so that the page may share memory between threads.
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
    if (url === '/script.js') {
      response.setHeader('content-type', 'text/javascript; charset=utf-8');
      response.end(readFileSync(bundle));
    } else if (url.startsWith(PAGE_WASM_FOLDER)) {
      response.setHeader('content-type', 'application/wasm');
      response.end(readFileSync(join(WASM_FOLDER, basename(url))));
    } else {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end('<!doctype html><title>tfjs-distill</title><script src="/script.js"></script>');
    }
  });
  await new Promise<void>((done) => server.listen(0, 'localhost', done));
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const pageErrors: string[] = [];
    page.on('pageerror', (error) => pageErrors.push(error.stack ?? error.message));
    await page.exposeFunction('report', report);
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    if (pageErrors.length > 0)
      throw new Error(`The page failed to load the script:\n${pageErrors.join('\n')}`);
    const crashed = new Promise<never>((_, fail) =>
      page.on('crash', () => fail(new Error('The page crashed.'))),
    );
    await Promise.race([page.evaluate(`start(report, ${JSON.stringify(argument)})`), crashed]);
  } finally {
    await browser.close();
    server.close();
  }
}
