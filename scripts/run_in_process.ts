/** Runs a script in a process of its own that no sandbox stands in: of Node, Deno or Bun. */
import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { BackendProject } from '../test/backends/projects.ts';
import { lavapipeEnvironment, programOf } from './engines.ts';

type Message<Report> = { report: Report } | { end: { error: string | null } };

/** All three speak Node's protocol between processes. */
export async function runInProcess<Report>(
  { host, driver }: BackendProject,
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
    env: { ...process.env, ...(driver === 'lavapipe' && lavapipeEnvironment()) },
    ...engineOf(host),
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

function engineOf(host: BackendProject['host']): { execPath?: string; execArgv: string[] } {
  switch (host) {
    case 'deno':
      return {
        execPath: programOf('deno'),
        execArgv: ['run', '--allow-all', '--unstable-webgpu', '--no-lock'],
      };
    case 'bun':
      return { execPath: programOf('bun'), execArgv: [] };
    default:
      return { execArgv: ['--enable-source-maps'] };
  }
}
