/** Runs a block of the documentation as its reader would: a program in Node, a page in Chromium. */
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { Browser } from 'playwright-core';
import { ENTRIES, specifierOf } from '../../scripts/entries.ts';
import { runScript } from '../package/run_program.ts';
import { blockName, type CodeBlock } from './code_blocks.ts';

export const BLOCKS_FOLDER = join('.cache', 'docs');

/** The package by its own name, from src/. */
export const PACKAGE_PATHS: Record<string, string> = Object.fromEntries(
  Object.entries(ENTRIES).map(([entry, source]) => [
    specifierOf(entry as keyof typeof ENTRIES),
    resolve(source),
  ]),
);

const packageFromSource: Plugin = {
  name: 'package from source',
  setup(build) {
    build.onResolve({ filter: /^tfjs-distill(\/|$)/ }, ({ path }) => ({ path: PACKAGE_PATHS[path] }));
  },
};

/** Modules that tfjs's code asks for in Node alone. */
const NODE_MODULES = ['fs', 'path', 'perf_hooks', 'os', 'worker_threads', 'util', 'crypto'];

/** Node resolves tfjs itself, as it would for a reader. */
export async function runInNode(block: CodeBlock): Promise<string> {
  const outfile = join(BLOCKS_FOLDER, `${blockName(block)}.mjs`);
  await build({
    ...contentsOf(`${block.code}\n${backendCheck(block.code)}`),
    outfile,
    platform: 'node',
    plugins: [packageFromSource],
    external: ['@tensorflow/*'],
  });
  return runScript([outfile]);
}

/** A block that asks for a GPU backend: a module of a page. */
export async function runInPage(block: CodeBlock, browser: Browser): Promise<void> {
  const bundle = await build({
    ...contentsOf(`${block.code}\n${backendCheck(block.code)}\nglobalThis.ended = true;`),
    write: false,
    platform: 'browser',
    plugins: [packageFromSource],
    external: NODE_MODULES,
  });
  const html = '<!doctype html><title>block</title><script type="module" src="/block.js"></script>';
  await open(browser, html, { '/block.js': bundle.outputFiles[0].text });
}

function contentsOf(code: string) {
  const stdin = { contents: code, resolveDir: process.cwd(), loader: 'ts' } as const;
  return { stdin, bundle: true, format: 'esm', target: 'es2022', logLevel: 'silent' } as const;
}

/** A whole page: its scripts come from node_modules in place of the CDN, the package from src/. */
export async function runHtml({ code }: CodeBlock, browser: Browser): Promise<void> {
  const end = `${backendCheck(code)}\nglobalThis.ended = true;`;
  const scripts = { [PACKAGE_ON_CDN]: await packageScript() };
  await open(browser, `${code}\n<script type="module">${end}</script>`, scripts);
}

/**
 * tf.setBackend and tf.ready fall back to another one silently: what a block asks for, or imports, must be
 * what it got.
 */
function backendCheck(code: string): string {
  const backend = (/\bsetBackend\('(\w+)'\)/.exec(code) ?? /tfjs-backend-(web\w+)'/.exec(code))?.[1];
  if (backend === undefined) return '';
  return `if (tf.getBackend() !== '${backend}') throw new Error('ran on ' + tf.getBackend());`;
}

const ORIGIN = 'http://localhost';
const CDN = /^https:\/\/cdn\.jsdelivr\.net\/npm\/((?:@[^/]+\/)?[^/@]+)(?:@[^/]+)?(.*)$/;
const PACKAGE_ON_CDN = 'tfjs-distill';

async function open(browser: Browser, html: string, scripts: Record<string, string>): Promise<void> {
  const page = await browser.newPage();
  const failed = new Promise<never>((_, fail) => {
    page.on('pageerror', fail);
    page.on('requestfailed', (request) => fail(new Error(`${request.url()} could not be had`)));
  });
  await page.route('**', (route) => {
    const url = new URL(route.request().url());
    if (url.origin === ORIGIN && url.pathname === '/')
      return route.fulfill({ body: html, contentType: 'text/html' });
    const onCdn = CDN.exec(url.href);
    const body = scripts[onCdn ? onCdn[1] : url.pathname];
    if (body !== undefined) return route.fulfill({ body, contentType: 'text/javascript' });
    return onCdn ? route.fulfill({ path: join('node_modules', onCdn[1], onCdn[2]) }) : route.abort();
  });
  const runToEnd = async () => {
    await page.goto(`${ORIGIN}/`);
    await page.waitForFunction('"ended" in globalThis', null, { timeout: 100_000 });
  };
  try {
    await Promise.race([runToEnd(), failed]);
  } finally {
    await page.close();
  }
}

/** The script for a tag, made of src/: it takes the page's global `tf` for tfjs-core. */
async function packageScript(): Promise<string> {
  const globalTensorFlow: Plugin = {
    name: 'the global tf',
    setup(build) {
      build.onResolve({ filter: /^@tensorflow\/tfjs-core$/ }, ({ path }) => ({ path, namespace: 'global' }));
      build.onLoad({ filter: /.*/, namespace: 'global' }, () => ({
        contents: 'module.exports = globalThis.tf',
      }));
    },
  };
  const { outputFiles } = await build({
    ...contentsOf("export * from 'tfjs-distill'"),
    write: false,
    format: 'iife',
    globalName: 'tfjsDistill',
    plugins: [packageFromSource, globalTensorFlow],
  });
  return outputFiles[0].text;
}
