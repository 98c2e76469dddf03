/** A headless Chromium with WebGPU and WebGL2 from npm alone: no system package, no GPU. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { brotliDecompressSync } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';
import { extract } from 'tar-stream';

const packageFolder = resolve('node_modules', '@sparticuz', 'chromium');
const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
  version: string;
};

/** Where the browser and the software Vulkan driver lie unpacked, inside of the checkout. */
const cache = resolve('.cache', `chromium-${version}`);

/** Set to the path of another Chromium or Chrome to use that instead. */
const OTHER_BROWSER = 'TFJS_DISTILL_CHROMIUM';

/** Why there is no browser for this machine, or null if there is one. */
export function whyNoChromium(): string | null {
  if (process.env[OTHER_BROWSER]) return null;
  if (process.platform === 'linux' && process.arch === 'x64') return null;
  return `no Chromium in npm for ${process.platform}-${process.arch}; set ${OTHER_BROWSER} to the path of one`;
}

/** Unpacks what is not unpacked yet and returns the folder; several processes may do so at once. */
export async function unpackChromium(): Promise<string> {
  if (existsSync(cache)) return cache;
  const partial = `${cache}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  const packed = (name: string) => brotliDecompressSync(readFileSync(join(packageFolder, 'bin', name)));
  writeFileSync(join(partial, 'chromium'), packed('chromium.br'), { mode: 0o755 });
  await untar(packed('swiftshader.tar.br'), partial);
  await untar(packed('al2023.tar.br'), partial);
  try {
    renameSync(partial, cache);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(cache)) throw error; // otherwise another process was first
  }
  return cache;
}

async function untar(archive: Buffer, folder: string): Promise<void> {
  const unpack = extract();
  Readable.from([archive]).pipe(unpack);
  for await (const entry of unpack) {
    const path = join(folder, entry.header.name);
    if (entry.header.type === 'file') {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, Buffer.concat(chunks), { mode: 0o755 });
    } else {
      entry.resume();
    }
  }
}

/** Starts the browser; SwiftShader renders where there is no GPU. The caller closes it. */
export async function launchChromium(): Promise<Browser> {
  const other = process.env[OTHER_BROWSER];
  const folder = other ? '' : await unpackChromium();
  return chromium.launch({
    executablePath: other || join(folder, 'chromium'),
    args: [
      '--no-sandbox',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--disable-dawn-features=timestamp_quantization',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
    env: { ...process.env, ...(folder && { LD_LIBRARY_PATH: `${folder}:${join(folder, 'lib')}` }) },
  });
}
