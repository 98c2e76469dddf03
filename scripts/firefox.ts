/**
 * Firefox, driven by its own protocol of WebDriver commands, Marionette, which every Firefox speaks: no
 * driver in between has to fit its version.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDisplay } from './display.ts';
import { firefox, lavapipeEnvironment } from './engines.ts';
import { type DrivenPage, patiently } from './web_driver.ts';

/**
 * WebGPU is off on Linux, and neither it nor WebGL take a software driver unasked. Nothing is fetched from
 * outside.
 */
const PREFERENCES = {
  'dom.webgpu.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  'webgl.force-enabled': true,
  'gfx.x11-egl.force-enabled': true,
  'marionette.port': 0, // a free one, which is written into the profile
  'dom.max_script_run_time': 0, // a script may take its time
  'remote.prefs.recommended': true, // no updates, no first-run pages
  'app.normandy.enabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
};

/**
 * For WebGPU headless with lavapipe as the only Vulkan driver, for WebGL on a display in memory with Mesa's
 * OpenGL.
 */
export async function launchFirefox(api: 'webgpu' | 'webgl'): Promise<DrivenPage> {
  const program = firefox();
  if (program === null) throw new Error('launchFirefox: Firefox is not installed.');
  const profile = mkdtempSync(join(tmpdir(), 'firefox-'));
  const lines = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join('\n'));
  const display = api === 'webgl' ? await openDisplay() : null;
  const browser = spawn(
    program,
    ['--marionette', '--no-remote', '--profile', profile, ...(display ? [] : ['--headless']), 'about:blank'],
    {
      env: {
        ...process.env,
        MOZ_CRASHREPORTER_DISABLE: '1',
        ...(display ? display.environment : lavapipeEnvironment()),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let words = '';
  browser.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000);
  });
  const exit = new Promise<string>((done) =>
    browser.once('exit', (code, signal) => done(`Firefox ended early, ${signal ?? code}:\n${words}`)),
  );
  const ended = exit.then((message) => Promise.reject(new Error(message)));
  ended.catch(() => {}); // who waits for it is told
  const close = async () => {
    browser.kill();
    await exit;
    display?.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const port = patiently('launchFirefox: the port of Marionette', () =>
      Number(readFileSync(join(profile, 'MarionetteActivePort'), 'utf8')),
    );
    const commands = await Marionette.connect(await Promise.race([port, ended]));
    await commands.send('WebDriver:NewSession', {});
    // Without an end, null, Firefox 153 gives null for whatever a script returns.
    await commands.send('WebDriver:SetTimeouts', { script: 3_600_000, pageLoad: 300_000 });
    return {
      pid: browser.pid ?? 0,
      ended,
      close,
      async goto(url) {
        await commands.send('WebDriver:Navigate', { url });
      },
      async execute<T>(script: string, ...args: unknown[]) {
        const { value } = (await commands.send('WebDriver:ExecuteScript', { script, args })) as { value: T };
        return value;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * One command after another: `[0, id, name, parameters]` is answered by `[1, id, error, result]`, each after
 * its length in bytes and a colon.
 */
class Marionette {
  private received = Buffer.alloc(0);
  private readonly waiting = new Map<number, { done(result: unknown): void; fail(error: Error): void }>();
  private last = 0;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => this.take(chunk));
    socket.on('close', () => {
      for (const { fail } of this.waiting.values())
        fail(new Error('Marionette: Firefox closed the connection.'));
    });
    socket.on('error', () => {}); // 'close' follows
  }

  static async connect(port: number): Promise<Marionette> {
    const socket = connect(port, '127.0.0.1');
    await new Promise((done, fail) => socket.once('connect', done).once('error', fail));
    return new Marionette(socket);
  }

  send(name: string, parameters: object): Promise<unknown> {
    const id = ++this.last;
    const text = JSON.stringify([0, id, name, parameters]);
    return new Promise((done, fail) => {
      this.waiting.set(id, { done, fail });
      this.socket.write(`${Buffer.byteLength(text)}:${text}`);
    });
  }

  private take(chunk: Uint8Array): void {
    this.received = Buffer.concat([this.received, chunk]);
    for (;;) {
      const colon = this.received.indexOf(':');
      if (colon < 0) return;
      const end = colon + 1 + Number(this.received.subarray(0, colon).toString());
      if (this.received.length < end) return;
      const message = JSON.parse(this.received.subarray(colon + 1, end).toString());
      this.received = this.received.subarray(end);
      if (Array.isArray(message)) this.answer(message[1], message[2], message[3]);
    }
  }

  private answer(id: number, error: { message: string; stacktrace: string } | null, result: unknown): void {
    const command = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) command?.fail(new Error(`${error.message}\n${error.stacktrace}`));
    else command?.done(result);
  }
}
