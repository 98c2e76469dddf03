/**
 * Where the engines, drivers and compilers lie that `npm run setup:engines` brings, beside the Chromium and
 * the Dawn of npm: a second Vulkan driver (Mesa's lavapipe), Firefox, WebKit, Deno, Bun, glslangValidator,
 * and naga. Each has a function that says why it is not there.
 */
import { accessSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Inside of the checkout, as all that is fetched. */
export const ENGINES = resolve('.cache', 'engines');

/**
 * Debian packages unpacked beside the system. A loader of Vulkan installed into the system would make Dawn
 * leave SwiftShader for lavapipe everywhere.
 */
export const DEBIAN = join(ENGINES, 'debian');

export const LIBRARIES = join(DEBIAN, 'usr', 'lib', 'x86_64-linux-gnu');

/** What names a driver to the loader of Vulkan. */
export const LAVAPIPE_MANIFEST = join(DEBIAN, 'lavapipe.json');

/**
 * Engines of JavaScript from npm: the program alone, without the package around it, which would fetch it in
 * an install script.
 */
export const RUNTIMES = {
  deno: { package: '@deno/linux-x64-glibc', version: '2.9.6', program: 'deno' },
  bun: { package: '@oven/bun-linux-x64-baseline', version: '1.4.5', program: 'bin/bun' },
} as const;

export type Runtime = keyof typeof RUNTIMES;

export function programOf(runtime: Runtime): string {
  const { version, program } = RUNTIMES[runtime];
  return join(ENGINES, `${runtime}-${version}`, program);
}

const HOW = '`npm run setup:engines` installs it, on Debian';

export const whyNoRuntime = (runtime: Runtime) => whyMissing(runtime, programOf(runtime));

export const whyNoLavapipe = () => whyMissing("Mesa's lavapipe", LAVAPIPE_MANIFEST);

/** Of what is unpacked, as Debian counts it: `25.0.7-2~bpo12+1`. */
export function mesaVersion(): string {
  const names = existsSync(LIBRARIES) ? readdirSync(LIBRARIES) : [];
  const version = names.map((name) => /^libgallium-(.*)\.so$/.exec(name)?.[1]).find(Boolean);
  if (version === undefined) throw new Error(`mesaVersion: ${LIBRARIES} has no libgallium.`);
  return version;
}

/** Khronos's compiler of GLSL. */
export const GLSLANG = join(DEBIAN, 'usr', 'bin', 'glslangValidator');

export const whyNoGlslang = () => whyMissing('glslangValidator', GLSLANG);

/** The command line of naga, Firefox's compiler of WGSL: what the system has, else what cargo built here. */
const NAGA_VERSION = '30.0.1';
export const NAGA = { version: NAGA_VERSION, folder: join(ENGINES, `naga-${NAGA_VERSION}`) };

export function naga(): string | null {
  const built = join(NAGA.folder, 'bin', 'naga');
  return onPath('naga') ?? (existsSync(built) ? built : null);
}

export const whyNoNaga = () =>
  naga() ? null : 'naga is not installed; `npm run setup:engines` installs it, by cargo';

export const whyNoFirefox = () => (firefox() ? null : `Firefox is not installed; ${HOW}`);

export const whyNoWebKit = () =>
  webKitDriver() && miniBrowser() ? null : `WebKit's MiniBrowser and driver are not installed; ${HOW}`;

/** A display in memory, for what WebGL needs of one. */
export const whyNoDisplay = () => (onPath('Xvfb') ? null : `Xvfb is not installed; ${HOW}`);

const whyMissing = (name: string, path: string) => (existsSync(path) ? null : `${name} is not there; ${HOW}`);

/** Debian's name first. */
export const firefox = () => onPath('firefox-esr') ?? onPath('firefox');

export const webKitDriver = () => onPath('WebKitWebDriver');

/**
 * The browser that WebKit's own tests drive. It lies beside the library, under the version of WebKit's
 * interface.
 */
export function miniBrowser(): string | null {
  const libraries = '/usr/lib/x86_64-linux-gnu';
  if (!existsSync(libraries)) return null;
  const folders = readdirSync(libraries).filter((name) => name.startsWith('webkit2gtk-4'));
  return folders.map((name) => join(libraries, name, 'MiniBrowser')).find(existsSync) ?? null;
}

/** The path of a program that the system has. */
export function onPath(program: string): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not to be run: the next folder is asked
  }
}

/**
 * Environment of a process whose Vulkan is lavapipe and nothing else. What it compiles is kept for the next
 * process: a kernel with barriers takes seconds.
 */
export function lavapipeEnvironment(): NodeJS.ProcessEnv {
  const shaders = join(ENGINES, 'shaders');
  mkdirSync(shaders, { recursive: true });
  return {
    LD_LIBRARY_PATH: LIBRARIES,
    VK_DRIVER_FILES: LAVAPIPE_MANIFEST,
    VK_ICD_FILENAMES: LAVAPIPE_MANIFEST, // the older name of the same
    MESA_SHADER_CACHE_DIR: shaders,
  };
}
