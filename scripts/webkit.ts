/** WebKit, the engine of Safari: the GTK port's MiniBrowser on a display in memory, driven over WebDriver. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { openDisplay } from './display.ts';
import { miniBrowser, webKitDriver } from './engines.ts';
import { type DrivenPage, patiently } from './web_driver.ts';

export async function launchWebKit(): Promise<DrivenPage> {
  const [program, binary] = [webKitDriver(), miniBrowser()];
  if (program === null || binary === null) throw new Error('launchWebKit: WebKit is not installed.');
  const display = await openDisplay();
  const port = await freePort();
  const driver = spawn(program, [`--port=${port}`], {
    env: { ...process.env, ...display.environment },
    stdio: 'ignore',
  });
  const exit = new Promise<string>((done) =>
    driver.once('exit', (code, signal) => done(`WebKitWebDriver ended early, ${signal ?? code}.`)),
  );
  const ended = exit.then((message) => Promise.reject(new Error(message)));
  ended.catch(() => {}); // who waits for it is told
  const call = (method: string, path: string, body?: object) => request(port, method, path, body);
  let session = '';
  const close = async () => {
    try {
      if (session) await call('DELETE', session); // ends the browser
    } finally {
      driver.kill();
      await exit;
      display.close();
    }
  };
  try {
    const alwaysMatch = { 'webkitgtk:browserOptions': { binary, args: ['--automation'] } };
    await patiently('launchWebKit: the driver', () => call('GET', '/status'));
    const started = (await call('POST', '/session', { capabilities: { alwaysMatch } })) as {
      sessionId: string;
    };
    session = `/session/${started.sessionId}`;
    await call('POST', `${session}/timeouts`, { script: null, pageLoad: 300_000 });
    return {
      pid: driver.pid ?? 0,
      ended,
      close,
      async goto(url) {
        await call('POST', `${session}/url`, { url });
      },
      async execute<T>(script: string, ...args: unknown[]) {
        return (await call('POST', `${session}/execute/sync`, { script, args })) as T;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function request(port: number, method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const { value } = (await response.json()) as { value: { error: string; message: string } | null };
  if (!response.ok) throw new Error(`WebKit: ${method} ${path}: ${value?.error}: ${value?.message}`);
  return value;
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
