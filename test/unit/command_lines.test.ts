import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

jest.setTimeout(60_000); // on a machine that is busy with other things

const root = resolve(__dirname, '..', '..');
const scripts: Record<string, string> = JSON.parse(
  readFileSync(resolve(root, 'package.json'), 'utf8'),
).scripts;

const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;

/** What takes seconds to load, and is of no use to --help. */
const SLOW = '@tensorflow/|playwright-core|esbuild$|vega';

/** Makes a process fail if it imports any of that. */
const refuseSlowImports = dataUrl(`
  import { register } from 'node:module';
  register(${JSON.stringify(
    dataUrl(`export async function resolve(specifier, context, next) {
      if (new RegExp(${JSON.stringify(SLOW)}).test(specifier) && !context.parentURL?.includes('node_modules'))
        throw new Error('imported ' + specifier + ' from ' + context.parentURL);
      return next(specifier, context);
    }`),
  )});`);

/** The program of an npm script, without npm. */
const programOf = (name: string) => scripts[name].replace(/^node /, '').split(' ');

describe.each(['distill', 'paper', 'sweep', 'bench'])('npm run %s', (name) => {
  it('shows its help without loading TensorFlow.js, a browser or a bundler', () => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--import', refuseSlowImports, ...programOf(name), '--help'],
      { cwd: root, encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Usage: /);
  });
});

it('npm run paper says how long it takes, and keeps away from the published results', () => {
  const { stdout } = spawnSync(process.execPath, [...programOf('paper'), '--help'], {
    cwd: root,
    encoding: 'utf8',
  });
  const text = stdout.replace(/\s+/g, ' ');
  expect(text).toMatch(/The published run took [\d.]+ (minutes|hours) on /);
  expect(text).toMatch(/--results <folder> .*\(default: "\.cache\/paper-results"\)/);
});

describe('endOnInterrupt', () => {
  const HIDE_CURSOR = '\x1b[?25l';
  const SHOW_CURSOR = '\x1b[?25h';
  /** A program with a progress bar, whose stderr passes for a terminal if it is to. */
  const program = (isTTY: boolean) => `
    import { endOnInterrupt } from './scripts/interrupt.ts';
    process.stderr.isTTY = ${isTTY};
    endOnInterrupt(() => console.log('stopped'));
    if (process.stderr.isTTY) process.stderr.write(${JSON.stringify(HIDE_CURSOR)});
    console.log('ready');
    setInterval(() => {}, 1000);`;

  it.each([
    ['SIGINT', true, 130],
    ['SIGTERM', true, 143],
    ['SIGINT', false, 130],
  ] as const)('%s ends the program; on a terminal (%s) the cursor is back', async (signal, isTTY, code) => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', program(isTTY)],
      { cwd: root },
    );
    let [out, err] = ['', ''];
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    await new Promise<void>((ready) => {
      child.stdout.on('data', (chunk) => {
        out += chunk;
        if (out.includes('ready')) ready();
      });
    });
    child.kill(signal);
    const [status] = await once(child, 'close');
    expect(status).toBe(code);
    expect(out).toBe('ready\nstopped\n');
    expect(err).toBe(isTTY ? HIDE_CURSOR + SHOW_CURSOR : '');
  });
});
