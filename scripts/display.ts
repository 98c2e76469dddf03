/** A display in memory: Firefox and WebKit have WebGL only where there is one. */
import { spawn } from 'node:child_process';
import { whyNoDisplay } from './engines.ts';

export interface Display {
  /** For the process that is to use it: Mesa renders by the processor, whatever GPU there is. */
  environment: NodeJS.ProcessEnv;
  close(): void;
}

export async function openDisplay(): Promise<Display> {
  const absent = whyNoDisplay();
  if (absent) throw new Error(`openDisplay: ${absent}.`);
  // Xvfb finds a free number and writes it to descriptor 3.
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const number = await new Promise<string>((done, fail) => {
    server.stdio[3]?.once('data', (chunk: Buffer) => done(chunk.toString().trim()));
    server.once('exit', (code) => fail(new Error(`openDisplay: Xvfb ended with ${code}.`)));
    server.once('error', fail);
  });
  return {
    environment: { DISPLAY: `:${number}`, LIBGL_ALWAYS_SOFTWARE: '1', WAYLAND_DISPLAY: '' },
    close: () => server.kill(),
  };
}
