/**
 * The page of `npm run demo` in a real Chromium: served as developers see it, and as the static files that
 * --build writes.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium } from '../../scripts/chromium.ts';
import { describeWhereChromiumRuns } from '../where_chromium_runs.ts';
import { SCRIPT, serveDemo } from './serve_demo.ts';

const TINY = 'trainingImages=160&testImages=100&batchSize=32&epochs=3&teacherUnits=16&studentUnits=8';

/**
 * ms; all of it takes 45 s on two idle cores. What waits so long has failed, even on a machine that is ten
 * times too busy.
 */
const PATIENCE = 240_000;

jest.setTimeout(PATIENCE + 60_000);

describeWhereChromiumRuns('npm run demo', () => {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof serveDemo>>;
  const complaints: string[] = [];

  beforeAll(async () => {
    [browser, server] = await Promise.all([launchChromium(), serveDemo()]);
  });

  afterAll(async () => {
    await browser.close();
    server.process.kill();
  });

  async function open(
    query: string,
    context: BrowserContextOptions = {},
    { address = server.address, prepare = '' } = {},
  ): Promise<Page> {
    const page = await load(query, undefined, prepare, context, address);
    await page.waitForSelector('body[data-state=ready]');
    return page;
  }

  /**
   * As soon as it can be seen, which is before it has started. @param lacking addresses that cannot be
   * reached.
   */
  async function load(
    query: string,
    lacking?: string | RegExp,
    prepare = '',
    context: BrowserContextOptions = {},
    address = server.address,
  ): Promise<Page> {
    complaints.length = 0;
    // The browser of npm says 'en-US@posix' in some environments, which Intl refuses.
    const page = await browser.newPage({ locale: 'en-US', ...context });
    page.setDefaultTimeout(PATIENCE);
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
    if (prepare) await page.addInitScript(prepare);
    if (lacking) await page.route(lacking, (route) => route.abort());
    await page.goto(`${address}?${query}`, { waitUntil: 'commit' });
    await page.waitForSelector('footer');
    return page;
  }

  const text = async (page: Page, selector: string) => (await page.textContent(selector)) ?? '';
  const dataset = (page: Page) => page.evaluate(() => ({ ...document.body.dataset }));
  const teacherShares = (page: Page) =>
    page.$$eval('#distribution .bars .teacher', (bars) =>
      bars.map((bar) => 100 * Number((bar as HTMLElement).dataset.share)),
    );
  /** In percent of the room for bars. */
  const tallestBar = (page: Page) =>
    page.$$eval('#distribution .bars i', (bars) =>
      Math.max(...bars.map((bar) => Number.parseFloat((bar as HTMLElement).style.height))),
    );
  const guesses = (page: Page) => page.$$eval('.guess b', (cards) => cards.map((card) => card.textContent));

  async function trainToTheEnd(page: Page): Promise<void> {
    await page.click('#train');
    await page.waitForSelector('body[data-state=done]');
  }

  /** The legend of a chart under the cursor at a share of its width: what a reader sees there. */
  async function legendAt(page: Page, chart: string, share: number): Promise<Record<string, number>> {
    const box = await page.locator(`#${chart} .u-over`).boundingBox();
    if (!box) throw new Error(`#${chart} is not drawn.`);
    await page.mouse.move(box.x + share * (box.width - 2) + 1, box.y + box.height / 2);
    await page.evaluate(async () => {
      // of the cursor, of the legend
      for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    });
    const entries = await page.$$eval(`#${chart} .u-series`, (rows) =>
      rows.map(
        (row) =>
          [
            row.querySelector('.u-label')?.textContent ?? '',
            Number.parseFloat((row.querySelector('.u-value')?.textContent ?? '').replaceAll(',', '')),
          ] as const,
      ),
    );
    return Object.fromEntries(entries);
  }

  it('trains on WebGPU, says on what, and comes to what WebAssembly comes to', async () => {
    const query = 'trainingImages=160&testImages=100&batchSize=80&epochs=3&teacherUnits=16&studentUnits=8';
    const page = await open(`${query}&backend=webgpu`);
    expect(await dataset(page)).toMatchObject({ backend: 'webgpu', adapter: expect.stringMatching(/\w/) });
    expect(await page.inputValue('#backend')).toBe('webgpu');
    const { adapter } = await dataset(page);
    const isSoftware = /swiftshader/i.test(adapter ?? '');
    expect(await text(page, '#adapter')).toBe(
      isSoftware ? `${adapter} (a GPU imitated in software)` : adapter,
    );
    expect(await page.isVisible('#advice button')).toBe(isSoftware);
    await trainToTheEnd(page);
    const first = await legendAt(page, 'distance-chart', 0);
    const last = await legendAt(page, 'distance-chart', 1);
    expect(last.Images).toBe(480);
    expect(last.Teacher).toBeLessThan(first.Teacher);
    expect(complaints).toEqual([]);
    await page.close();

    const other = await open(`${query}&backend=wasm`);
    await trainToTheEnd(other);
    const same = await legendAt(other, 'distance-chart', 1);
    expect(Math.abs(last.Teacher - same.Teacher)).toBeLessThan(0.05 * same.Teacher);
    await other.close();
  });

  it('pauses, resumes, resets, and answers while it trains', async () => {
    const page = await open('trainingImages=20000&epochs=50&testImages=100&backend=wasm');
    await page.click('#train');
    await page.waitForFunction(
      () => Number(document.querySelector<HTMLProgressElement>('#progress')?.value) > 0,
    );
    expect(await text(page, '#train')).toBe('Pause');
    const frames = await page.evaluate(async () => {
      const start = performance.now();
      let count = 0;
      for (; performance.now() - start < 1000; count++) await new Promise(requestAnimationFrame);
      return count;
    });
    expect(frames).toBeGreaterThan(5);
    await page.click('#train');
    expect(await dataset(page)).toMatchObject({ state: 'paused' });
    await page.waitForTimeout(500); // the slice that was under way ends
    const progress = () => page.$eval('#progress', (bar) => (bar as HTMLProgressElement).value);
    const atPause = await progress();
    await page.waitForTimeout(300);
    expect(await progress()).toBe(atPause);
    await page.click('#train');
    await page.waitForFunction(
      (value) => (document.querySelector<HTMLProgressElement>('#progress')?.value ?? 0) > value,
      atPause,
    );
    await page.click('#reset');
    await page.waitForSelector('body[data-state=ready]');
    expect(await progress()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('students learn from the teacher, even the digit that they never see', async () => {
    const page = await open(
      'trainingImages=3000&testImages=1000&epochs=4&teacherUnits=64&studentUnits=32&backend=wasm',
    );
    await trainToTheEnd(page);
    const [teacher, student, alone] = await page.$$eval('#results tbody tr', (rows) =>
      rows.map((row) => [...row.children].slice(2).map((cell) => Number(cell.textContent))),
    );
    const [, ofHidden] = /of ([\d,]+) 3s/.exec(await text(page, '#hidden-digit')) ?? [];
    expect(alone[1]).toBe(Number(ofHidden));
    expect(student[1]).toBeLessThan(0.9 * Number(ofHidden));
    expect(teacher[0]).toBeLessThan(250);
    expect(await text(page, '#story')).toBe(
      `Of ${ofHidden} 3s the distilled student reads ${Number(ofHidden) - student[1]}, though it was never shown one; ` +
        `the same student on labels only reads 0, the teacher ${Number(ofHidden) - teacher[1]}. ` +
        'What it knows of 3s, the teacher’s outputs for other digits have told it.',
    );
    // On one scale: both students begin at the same place, and the one that is taught comes nearer to the
    // teacher.
    const first = await legendAt(page, 'distance-chart', 0);
    const last = await legendAt(page, 'distance-chart', 0.85); // students see fewer images than the teacher
    expect(first.Distilled).toBe(first['Labels only']);
    expect(last.Distilled).toBeLessThan(first.Distilled / 5);
    expect(last['Labels only']).toBeGreaterThan(2 * last.Distilled);
    expect(last.Teacher).toBeLessThan(first.Teacher / 2);

    // The slider: towards one digit when cold, towards a tenth each when hot.
    const spread: number[] = [];
    for (const position of ['-1', '1', '3', '5']) {
      await page.fill('#temperature', position);
      const shares = await teacherShares(page);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 1);
      expect(await tallestBar(page)).toBeGreaterThan(45); // of the height that there is
      spread.push(Math.max(...shares) - Math.min(...shares));
    }
    expect(spread).toEqual([...spread].sort((a, b) => b - a));
    expect(spread[0]).toBeGreaterThan(5 * spread[3]);
    expect(Number(await text(page, '#entropy'))).toBeGreaterThan(2.2);

    // A drawn stroke is a 1.
    const pad = await page.locator('#pad').boundingBox();
    if (!pad) throw new Error('There is no pad.');
    await page.mouse.move(pad.x + pad.width * 0.54, pad.y + pad.height * 0.2);
    await page.mouse.down();
    await page.mouse.move(pad.x + pad.width * 0.46, pad.y + pad.height * 0.8, { steps: 12 });
    await page.mouse.up();
    await page.waitForFunction(() => document.querySelector('#truth')?.textContent?.includes('drawing'));
    await page.waitForFunction(() => document.querySelector('.guess b')?.textContent === '1');
    expect(await page.$('#picker [aria-checked=true]')).toBeNull();
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('measures the fused loss beside stock ops, having compared their results', async () => {
    const page = await open('backend=wasm');
    await page.click('#measure');
    await page.waitForFunction(() =>
      /^Measured on|stopped/.test(document.querySelector('#measure-status')?.textContent ?? ''),
    );
    expect(await text(page, '#measure-status')).toBe('Measured on wasm, CPU, SIMD WebAssembly.');
    const times = await page.$$eval('#times tbody tr', (rows) =>
      rows.map((row) =>
        [...row.querySelectorAll('td')].map((cell) =>
          Number.parseFloat((cell.textContent ?? '').replaceAll(',', '')),
        ),
      ),
    );
    expect(times).toHaveLength(4);
    for (const [stock, fused, ratio] of times) expect(stock / fused / ratio).toBeCloseTo(1, 0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('works with the keyboard alone', async () => {
    const page = await open(`${TINY}&backend=wasm`);
    const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName);
    const tabTo = async (id: string) => {
      for (let k = 0; k < 30 && (await focused()) !== id; k++) await page.keyboard.press('Tab');
      expect(await focused()).toBe(id);
    };
    await tabTo('train');
    const outline = await page.evaluate(
      () => getComputedStyle(document.activeElement as Element).outlineStyle,
    );
    expect(outline).toBe('solid');
    await page.keyboard.press('Enter');
    await page.waitForSelector('body[data-state=done]');

    for (let k = 0; k < 30; k++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(() => document.activeElement?.getAttribute('role') === 'radio')) break;
    }
    const chosen = () =>
      page.$eval('#picker [aria-checked=true]', (button) => button.getAttribute('aria-label'));
    const before = await chosen();
    await page.keyboard.press('ArrowRight');
    expect(await chosen()).not.toBe(before);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowLeft');
    expect(await chosen()).toBe(before);
    expect(await page.$$('#picker [tabindex="0"]')).toHaveLength(1);
    await page.waitForFunction(() =>
      /Teacher: \d/.test(document.querySelector('#spoken')?.textContent ?? ''),
    );

    await tabTo('temperature');
    const shares = await teacherShares(page);
    await page.keyboard.press('ArrowLeft');
    expect(await teacherShares(page)).not.toEqual(shares);
    expect(await page.getAttribute('#temperature', 'aria-valuetext')).toBe(
      await text(page, '#temperature-value'),
    );
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('fits a phone, is drawn on with a finger, and is dark where that is preferred', async () => {
    const page = await open(`${TINY}&backend=wasm`, {
      viewport: { width: 360, height: 740 },
      isMobile: true,
      hasTouch: true,
      colorScheme: 'dark',
    });
    const tops = await page.$$eval('section', (sections) =>
      Object.fromEntries(sections.map(({ id, offsetTop }) => [id, offsetTop])),
    );
    expect(tops.training).toBeLessThan(tops.inside);
    expect(tops.inside).toBeLessThan(tops.curves);
    await page.click('summary');
    await trainToTheEnd(page);
    await page.click('#measure');
    await page.waitForSelector('#measure:enabled');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    const linesOfTimes = await page.$$eval('#times td', (cells) =>
      cells.map((cell) => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        return new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom))).size;
      }),
    );
    expect(linesOfTimes).toHaveLength(4 * 3);
    expect(Math.max(...linesOfTimes)).toBe(1);
    const luminance = await page.evaluate(() =>
      (getComputedStyle(document.body).backgroundColor.match(/\d+/g) ?? []).slice(0, 3).map(Number),
    );
    expect(Math.max(...luminance)).toBeLessThan(60);
    await page.locator('#pad').scrollIntoViewIfNeeded();
    await page.locator('#pad').tap();
    await page.waitForFunction(() => document.querySelector('#truth')?.textContent?.includes('drawing'));
    expect(await guesses(page)).toHaveLength(3);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('before a training the charts have room below for the lowest number of their axes', async () => {
    const page = await open(`${TINY}&backend=wasm`);
    for (const chart of ['#distance-chart', '#accuracy-chart']) {
      const room = await page.$eval(chart, (place) => {
        const bottomOf = (part: string) => place.querySelector(part)?.getBoundingClientRect().bottom ?? NaN;
        return bottomOf('.u-wrap') - bottomOf('.u-over');
      });
      expect(room).toBeGreaterThanOrEqual(12);
    }
    await page.close();
  });

  it('without WebGPU it says why and runs on what is there', async () => {
    const page = await open(TINY, {}, { prepare: 'delete Navigator.prototype.gpu;' });
    expect(await dataset(page)).toMatchObject({ backend: 'webgl' });
    expect(await text(page, '#notice-text')).toBe(
      'WebGPU is not available: this browser has no WebGPU, or it is switched off. The page runs on WebGL.',
    );
    await page.selectOption('#backend', 'cpu');
    await page.waitForSelector('body[data-state=ready][data-backend=cpu]');
    expect(await text(page, '#adapter')).toBe('CPU, plain JavaScript');
    await trainToTheEnd(page);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('runs on the backend that is chosen while it starts, however early', async () => {
    const early = await load(TINY);
    await early.selectOption('#backend', 'cpu'); // its script may not have come yet
    await early.selectOption('#backend', 'wasm');
    await early.waitForSelector('body[data-state=ready]');
    expect(await dataset(early)).toMatchObject({ backend: 'wasm' });
    expect(await early.inputValue('#backend')).toBe('wasm');
    expect(early.url()).toContain('backend=wasm');
    expect(complaints).toEqual([]);
    await early.close();

    const page = await open(`${TINY}&backend=cpu`);
    await page.evaluate(() => {
      const list = document.querySelector<HTMLSelectElement>('#backend');
      for (const name of ['webgl', 'wasm']) {
        if (list) list.value = name;
        list?.dispatchEvent(new Event('change'));
      }
    });
    await page.waitForSelector('body[data-state=ready][data-backend=wasm]');
    await trainToTheEnd(page);
    expect(await dataset(page)).toMatchObject({ backend: 'wasm', state: 'done' });
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('starts in a browser whose language Intl does not know, as Chromium has it under LANG=C', async () => {
    const language =
      "Object.defineProperty(navigator, 'language', { value: 'en-US@posix', configurable: true });";
    const page = await open(`${TINY}&backend=wasm`, {}, { prepare: language });
    expect(complaints).toEqual([]);
    await page.close();
  });

  it.each([
    ['its script does not load', '**/main.ts*', /main\.ts\S* could not be loaded/],
    ['the digits do not load', '**/mnist/**', /Failed to fetch/],
  ])('says so when %s', async (_what, address, message) => {
    const page = await load(`${TINY}&backend=wasm`, address);
    await page.waitForSelector('body[data-state=failed]');
    expect(await text(page, '#status')).toBe('The page could not start.');
    expect(await page.isVisible('#notice')).toBe(true);
    expect(await text(page, '#notice-text')).toMatch(message);
    await page.close();
  });

  it('says so when no backend works', async () => {
    const broken = "Object.defineProperty(globalThis, 'WebAssembly', { value: undefined });";
    const page = await load(
      `${TINY}&backend=wasm`,
      /tfjs-backend-(webgpu|webgl|cpu)/,
      `${broken} delete Navigator.prototype.gpu;`,
    );
    await page.waitForSelector('body[data-state=failed]');
    expect(await text(page, '#notice-text')).toMatch(
      /^The page could not start: No backend works here: wasm: /,
    );
    await page.close();
  });

  it('nothing moves from the first sight of the page to the end of a training', async () => {
    for (const viewport of [
      { width: 1280, height: 900 },
      { width: 390, height: 844 },
    ]) {
      const page = await load(`${TINY}&backend=wasm`, undefined, '', { viewport });
      const places = () =>
        page.$$eval('section, header, footer, #source, #temperature, #results', (parts) =>
          parts.map((part) => Math.round(part.getBoundingClientRect().top + scrollY)),
        );
      const atFirst = await places();
      await page.waitForSelector('body[data-state=ready]');
      const whenReady = await places();
      await trainToTheEnd(page);
      const atEnd = await places();
      expect(atEnd).toEqual(whenReady);
      for (const [k, top] of atFirst.entries()) expect(Math.abs(whenReady[k] - top)).toBeLessThanOrEqual(8);
      await page.close();
    }
  });

  it('tells how long a training takes, and how to make it shorter where it takes long', async () => {
    const page = await open('trainingImages=20000&epochs=50&teacherUnits=1200&testImages=100&backend=cpu');
    expect(await text(page, '#advice')).toBe('Plain JavaScript is slow. Change to WebAssembly');
    await page.click('#advice button');
    await page.waitForSelector('body[data-state=ready][data-backend=wasm]');
    expect(await text(page, '#advice')).toBe('');
    await page.click('#train');
    await page.waitForFunction(() =>
      /First the teacher: about \d+ min left/.test(document.querySelector('#status')?.textContent ?? ''),
    );
    expect(await text(page, '#advice')).toMatch(/^This takes long on this device\. Fewer training images/);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('explains its terms', async () => {
    const page = await open(`${TINY}&backend=wasm`);
    const terms = await page.$$('button.term');
    expect(terms.length).toBeGreaterThanOrEqual(5);
    for (const term of terms) {
      const hint = page.locator(`#${await term.getAttribute('popovertarget')}`);
      expect(await hint.isVisible()).toBe(false);
      await term.click();
      expect(await hint.isVisible()).toBe(true);
      await page.keyboard.press('Escape');
    }
    await page.close();
  });

  it('a static build is the same page', async () => {
    const folder = mkdtempSync(join(resolve('.cache'), 'demo-'));
    try {
      await promisify(execFile)(process.execPath, ['--import', 'tsx', SCRIPT, '--build', '--out', folder]);
      const built = await serveDemo('--preview', '--out', folder);
      const page = await open(`${TINY}&backend=webgl`, {}, { address: built.address });
      expect(await dataset(page)).toMatchObject({ backend: 'webgl', adapter: expect.stringMatching(/\w/) });
      await trainToTheEnd(page);
      expect(complaints).toEqual([]);
      await page.close();
      built.process.kill();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
