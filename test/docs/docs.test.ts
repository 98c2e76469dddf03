import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../../scripts/chromium.ts';
import { describeWhereChromiumRuns } from '../where_chromium_runs.ts';
import { type CodeBlock, docstringExamples, isProgram, pageBlocks } from './code_blocks.ts';
import { compileBlocks } from './compile_blocks.ts';
import { runHtml, runInNode, runInPage } from './run_block.ts';

jest.setTimeout(120_000);

/** What a docstring's example may take for granted. */
const DOCSTRING_PRELUDE = `
  import * as tf from '@tensorflow/tfjs';
  import { averageTeachers, distillationLoss, distillationMetrics, multiLabelDistillationLoss, softmaxCrossEntropy, softmaxCrossEntropyWithTemperature } from 'tfjs-distill';
  import { cacheTeacherLogits, Distiller, layersLoss, withSampleWeights } from 'tfjs-distill/layers';
  const teacherLogits = tf.randomNormal([20, 10], 0, 1, 'float32', 1);
  const studentLogits = tf.randomNormal([20, 10], 0, 1, 'float32', 2);
  const x = tf.randomNormal([20, 4], 0, 1, 'float32', 3);
  const labels = tf.randomUniformInt([20], 0, 10, 4);
  const [teacher, student] = [30, 5].map((units) => tf.sequential({
    layers: [tf.layers.dense({ inputShape: [4], units, activation: 'relu' }), tf.layers.dense({ units: 10 })],
  }));
`;

const inPages = pageBlocks();
const IMPORTS = /^import .*;\n/gm; // what an example does not take for granted; they cannot stand in braces
const examples = docstringExamples().map((block) => {
  const imports = block.code.match(IMPORTS) ?? [];
  return {
    ...block,
    code: `${imports.join('')}${DOCSTRING_PRELUDE}{\n${block.code.replace(IMPORTS, '')}}\n`,
  };
});
const programs = [...inPages, ...examples].filter(isProgram);
const pages = inPages.filter(({ language }) => language === 'html');
const commands = inPages.filter(({ language }) => language === 'sh');

/** A block that another one continues runs as part of that. */
const runs = (block: CodeBlock) =>
  !block.flags.includes('compile-only') &&
  !programs.some((other) => other !== block && other.code.startsWith(block.code));
const needsGpu = ({ code }: CodeBlock) => /tfjs-backend-web(gpu|gl)'/.test(code);

describe('every program of README.md, docs/ and the docstrings', () => {
  const errors = compileBlocks(programs);

  for (const block of programs) {
    it(`${block.place} compiles`, () => expect(errors.get(block) ?? '').toBe(''));
  }

  for (const block of programs.filter((block) => runs(block) && !needsGpu(block))) {
    it(`${block.place} runs in Node`, () => runInNode(block));
  }
});

let browser: Promise<Browser> | undefined;

function startBrowser(): Promise<Browser> {
  browser ??= launchChromium();
  return browser;
}

afterAll(async () => (await browser)?.close());

describeWhereChromiumRuns('every page and every program for a page', () => {
  for (const block of programs.filter((block) => runs(block) && needsGpu(block))) {
    it(`${block.place} runs`, async () => runInPage(block, await startBrowser()));
  }

  for (const block of pages.filter(runs)) {
    it(`${block.place} runs`, async () => runHtml(block, await startBrowser()));
  }
});

describe('every command', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const npmScripts = commands.flatMap(({ place, code }) =>
    [...code.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, script]) => ({ place, script })),
  );

  for (const { place, script } of npmScripts) {
    it(`${place} names a script of package.json, ${script}`, () => expect(scripts).toHaveProperty([script]));
  }
});

it('every block says its language, of those that are checked or need no check', () => {
  const known = ['ts', 'js', 'html', 'sh', 'json', 'text', 'wgsl', 'glsl'];
  const others = inPages.filter(({ language }) => !known.includes(language));
  expect(others.map(({ place, language }) => `${place} ${language}`)).toEqual([]);
});
