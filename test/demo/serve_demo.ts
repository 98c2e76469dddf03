import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

export const SCRIPT = resolve('scripts/demo.ts');

/** `npm run demo` with these arguments; resolves to the address that it prints. */
export async function serveDemo(...args: string[]): Promise<{ process: ChildProcess; address: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, '--port', '0', ...args], {
    env: { ...process.env, NO_COLOR: '1' },
  });
  let output = '';
  const address = await new Promise<string>((done, fail) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const found = /http:\/\/localhost:\d+\//.exec(output);
      if (found) done(found[0]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => fail(new Error(`The server ended with ${code}:\n${output}`)));
  });
  return { process: child, address };
}
