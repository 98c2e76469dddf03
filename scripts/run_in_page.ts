/** Runs a script in a page of a browser, served from this process. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import type { BackendProject } from '../test/backends/projects.ts';
import { PAGE_WASM_FOLDER, WASM_FOLDER } from './bundle_for_backend.ts';
import { launchChromium } from './chromium.ts';
import { launchFirefox } from './firefox.ts';
import { type DrivenPage, hasLoaded } from './web_driver.ts';
import { launchWebKit } from './webkit.ts';

export async function runInPage<Report>(
  project: BackendProject,
  bundle: string,
  report: (report: Report) => void,
  argument: unknown,
): Promise<void> {
  const reports = new Reports(report);
  const server = await serve(bundle, reports);
  const address = `http://localhost:${(server.address() as AddressInfo).port}/`;
  try {
    if (project.host === 'chromium') await inChromium(address, report, argument);
    else await inDrivenPage(await launch(project), address, reports, argument, driverOf(project));
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function launch({ host, backendName }: BackendProject): Promise<DrivenPage> {
  return host === 'webkit' ? launchWebKit() : launchFirefox(backendName === 'webgpu' ? 'webgpu' : 'webgl');
}

/**
 * The library of the driver that the browser must have loaded, where it does not tell a page: Firefox names
 * no adapter of WebGPU, and WebKit calls every renderer 'Apple GPU'.
 */
function driverOf({ host, backendName, driver }: BackendProject): RegExp | null {
  if (driver === 'lavapipe') return /libvulkan_lvp\.so/;
  return host === 'webkit' && backendName === 'webgl' ? LLVMPIPE : null;
}

/** Mesa's software rasterizers, and the compiler without which they are softpipe. */
const LLVMPIPE = /swrast_dri\.so.*libLLVM|libLLVM.*swrast_dri\.so/s;

/** Where a page posts what it has to say, and that it is done. */
const REPORT = '/report';
const END = '/end';

/** What has been posted. */
class Reports<Report> {
  private end: (error: string | null) => void = () => {};
  readonly ended = new Promise<string | null>((done) => {
    this.end = done;
  });

  constructor(private readonly report: (report: Report) => void) {}

  take(url: string, body: string): void {
    if (url === REPORT) this.report(JSON.parse(body) as Report);
    else this.end(JSON.parse(body) as string | null);
  }
}

async function serve<Report>(bundle: string, reports: Reports<Report>): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { url = '/', method } = request;
    // Isolated, so that the page may share memory between threads.
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
    if (method === 'POST') {
      reports.take(url, await textOf(request));
      response.end();
    } else if (url === '/script.js') {
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
  return server;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

async function inChromium<Report>(
  address: string,
  report: (report: Report) => void,
  argument: unknown,
): Promise<void> {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const pageErrors: string[] = [];
    page.on('pageerror', (error) => pageErrors.push(error.stack ?? error.message));
    await page.exposeFunction('report', report);
    await page.goto(address);
    if (pageErrors.length > 0)
      throw new Error(`The page failed to load the script:\n${pageErrors.join('\n')}`);
    const crashed = new Promise<never>((_, fail) =>
      page.on('crash', () => fail(new Error('The page crashed.'))),
    );
    await Promise.race([page.evaluate(`start(report, ${JSON.stringify(argument)})`), crashed]);
  } finally {
    await browser.close();
  }
}

/** In the page, whose arguments are where to post and what to start with. */
const START = `
  const [report, end, argument] = arguments;
  const post = (url, value) => fetch(url, { method: 'POST', body: JSON.stringify(value ?? null) });
  if (typeof start !== 'function') return 'The page failed to load the script.';
  start((value) => post(report, value).then(() => {}), argument).then(
    () => post(end, null),
    (error) => post(end, \`\${error}\\n\${error.stack}\`),
  );
  return null;`;

async function inDrivenPage<Report>(
  page: DrivenPage,
  address: string,
  reports: Reports<Report>,
  argument: unknown,
  driver: RegExp | null,
): Promise<void> {
  let isOver = false;
  try {
    await Promise.race([page.goto(address), page.ended]);
    const failure = await page.execute<string | null>(START, REPORT, END, argument ?? null);
    if (failure !== null) throw new Error(failure);
    const error = await Promise.race([reports.ended, page.ended, watch(page, () => isOver)]);
    if (error !== null) throw new Error(error);
    if (driver !== null && !hasLoaded(page.pid, driver))
      throw new Error(`No process of the browser has loaded a library that matches ${driver}.`);
  } finally {
    isOver = true;
    await page.close();
  }
}

/**
 * Throws when the page is no longer there: a crash of its process ends neither the browser nor its driver.
 */
async function watch(page: DrivenPage, isOver: () => boolean): Promise<never> {
  const PERIOD_MS = 2000;
  for (;;) {
    await new Promise((done) => setTimeout(done, PERIOD_MS));
    try {
      if (!isOver()) await page.execute('return 0;');
    } catch (cause) {
      if (!isOver()) throw new Error(`The page crashed: ${cause}`, { cause });
    }
    if (isOver()) await new Promise<never>(() => {}); // nobody waits any more
  }
}
