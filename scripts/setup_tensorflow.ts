/**
 * Installs @tensorflow/tfjs-node next to the development dependencies, with a real libtensorflow, so that
 * backend 'tensorflow' can be tested and timed.
 * It is no dependency: its install script downloads 100 MB and would fail every `npm ci` behind a firewall.
 * The native parts are kept under .cache/, where a second run finds them.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const TFJS_NODE_VERSION = '4.22.0';

/**
 * Its C headers still fit the addon, which was written against 2.9, and it has libtensorflow_cc.so.2, which
 * the wheels of 2.9 have not.
 */
const TENSORFLOW_WHEEL = 'tensorflow-cpu==2.15.1';

/** The newest that the package names; every Node from 20 on has it. */
const NAPI_VERSION = 8;

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const packageFolder = join(root, 'node_modules', '@tensorflow', 'tfjs-node');
const addonFolder = join('lib', `napi-v${NAPI_VERSION}`);
const addon = join(addonFolder, 'tfjs_binding.node');

/** The native parts, laid out as in the package: deps/ and lib/, which the package then links to. */
const cache = join(root, '.cache', `tfjs-node-${TFJS_NODE_VERSION}-${process.platform}-${process.arch}`);

/** Why backend 'tensorflow' cannot run here, or null if it can. */
export function whyNoTensorFlow(): string | null {
  if (existsSync(join(packageFolder, addon))) return null;
  return '@tensorflow/tfjs-node is not installed; `npm run setup:tensorflow` installs it';
}

async function setUp(): Promise<void> {
  installPackage();
  if (whyNoTensorFlow() !== null) {
    if (existsSync(join(cache, addon))) say(`The native parts are in ${cache}`);
    else await makeNativeParts();
    linkNativeParts();
  }
  say(`@tensorflow/tfjs-node ${TFJS_NODE_VERSION} runs TensorFlow ${versionOfTensorFlow()}`);
}

function installPackage(): void {
  const manifest = join(packageFolder, 'package.json');
  if (existsSync(manifest)) {
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    if (version === TFJS_NODE_VERSION) return;
  }
  say(`Installing @tensorflow/tfjs-node ${TFJS_NODE_VERSION}, without its install script`);
  // As an optional peer, which it is, npm would leave it out.
  const options = ['--no-save', '--save-dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  run('npm', ['install', ...options, `@tensorflow/tfjs-node@${TFJS_NODE_VERSION}`]);
}

async function makeNativeParts(): Promise<void> {
  const partial = `${cache}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    if (await isReachable('https://storage.googleapis.com/')) runOwnInstaller(partial);
    else buildOverWheel(partial);
    rmSync(cache, { recursive: true, force: true });
    renameSync(partial, cache);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Where the package's own installer downloads from. */
async function isReachable(url: string): Promise<boolean> {
  try {
    await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(15_000) });
    return true;
  } catch {
    return false;
  }
}

function runOwnInstaller(folder: string): void {
  say("Running the package's own installer");
  for (const part of ['deps', 'lib']) rmSync(join(packageFolder, part), { recursive: true, force: true });
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`;
  run(process.execPath, ['scripts/install.js'], { cwd: packageFolder, env: { ...process.env, PATH: path } });
  for (const part of ['deps', 'lib']) renameSync(join(packageFolder, part), join(folder, part));
}

/** libtensorflow and its headers out of TensorFlow's Python wheel, and the addon compiled against them. */
function buildOverWheel(folder: string): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `setup_tensorflow: storage.googleapis.com, which has libtensorflow for ${process.platform}-${process.arch}, cannot be reached; the way by Python's package index is known for linux-x64 only.`,
    );
  }
  say(
    `storage.googleapis.com cannot be reached: taking libtensorflow from the Python wheel ${TENSORFLOW_WHEEL}`,
  );
  const wheel = join(folder, 'wheel');
  run('python3', [
    ...['-m', 'pip', 'install', TENSORFLOW_WHEEL, '--target', wheel, '--no-deps', '--no-compile'],
    ...['--only-binary=:all:', '--platform', 'manylinux2014_x86_64', '--python-version', '3.11'],
    ...['--implementation', 'cp', '--disable-pip-version-check', '--root-user-action=ignore'],
  ]);
  const tensorflow = join(wheel, 'tensorflow');
  const libraries = join(folder, 'deps', 'lib');
  mkdirSync(libraries, { recursive: true });
  for (const library of ['libtensorflow_cc', 'libtensorflow_framework']) {
    renameSync(join(tensorflow, `${library}.so.2`), join(libraries, `${library}.so.2`));
    symlinkSync(`${library}.so.2`, join(libraries, `${library.replace('_cc', '')}.so`));
  }
  renameSync(join(tensorflow, 'include'), join(folder, 'deps', 'include'));
  rmSync(wheel, { recursive: true });

  say('Building the addon');
  for (const source of ['binding', 'binding.gyp']) {
    cpSync(join(packageFolder, source), join(folder, source), { recursive: true });
  }
  run(process.execPath, [
    ...[nodeGyp(), 'rebuild', '--directory', folder, '--loglevel=warn', ...nodeHeaders()],
    ...['--module_name=tfjs_binding', `--module_path=${join(folder, addonFolder)}`],
    `--napi_build_version=${NAPI_VERSION}`,
  ]);
  for (const leftover of ['binding', 'binding.gyp', 'build']) {
    rmSync(join(folder, leftover), { recursive: true });
  }
  rmSync(join(folder, 'deps', 'include'), { recursive: true });
}

/** The node-gyp that npm brings along; npm names it to its scripts. */
function nodeGyp(): string {
  const path = process.env.npm_config_node_gyp;
  if (path && existsSync(path)) return path;
  throw new Error('setup_tensorflow: npm names no node-gyp; start this as `npm run setup:tensorflow`.');
}

/** The running Node's own headers where they are installed; else node-gyp downloads them. */
function nodeHeaders(): string[] {
  const prefix = resolve(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

function linkNativeParts(): void {
  for (const part of ['deps', 'lib']) {
    rmSync(join(packageFolder, part), { recursive: true, force: true });
    symlinkSync(join(cache, part), join(packageFolder, part), 'junction');
  }
}

/** Loads the addon in a process of its own, where it may print and crash as it likes. */
function versionOfTensorFlow(): string {
  const script =
    "const tf = require('@tensorflow/tfjs-node'); tf.scalar(1).dataSync(); console.log('\\n' + tf.backend().binding.TF_Version)";
  const output = execFileSync(process.execPath, ['-e', script], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return output.trim().split('\n').at(-1) ?? '';
}

function say(step: string): void {
  console.log(`* ${step}`);
}

function run(command: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): void {
  try {
    execFileSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  } catch (cause) {
    throw new Error(`setup_tensorflow: '${[command, ...args].join(' ')}' failed; its output is above.`, {
      cause,
    });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setUp().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
