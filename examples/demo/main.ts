/** The page: wires the training to what one sees. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { type BackendName, type RunningBackend, startBackend } from './backend.ts';
import { Chart, NETWORKS } from './charts.ts';
import { type ChosenDigit, DigitPicker, DrawingPad, someOfEach } from './digits.ts';
import { Distribution, entropy, type Logits, percent, softened } from './distribution.ts';
import { type ByteMnist, DIGITS, greyLevels, loadMnistInBrowser } from './mnist_in_browser.ts';
import { addressOf, backendFromAddress, type Options, OptionsForm, optionsFromAddress } from './options.ts';
import { measure, workloads } from './step_time.ts';
import {
  countErrors,
  createNetworks,
  likeliest,
  logitsOf,
  logitsOfImages,
  type NetworkName,
  type Networks,
  type Progress,
  train,
} from './training.ts';

type State = 'loading' | 'ready' | 'training' | 'paused' | 'done' | 'failed';

const NAMES = Object.keys(NETWORKS) as NetworkName[];

function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}.`);
  return element as E;
}

class Demo {
  private readonly lossChart = new Chart(byId('loss-chart'), {
    // uPlot steps forever from a lower end that is no power of ten.
    scale: {
      distr: 3,
      range: (_, min, max) => [
        10 ** Math.floor(Math.log10(Math.min(min ?? 1, 0.1))),
        Math.max(1.2 * (max ?? 1), 3),
      ],
    },
    least: 1e-3, // nothing below 0 has a place on a logarithmic axis
    text: (value) => String(Number(value.toPrecision(2))),
  });
  private readonly accuracyChart = new Chart(byId('accuracy-chart'), {
    least: 0,
    scale: { range: (_, min) => [Math.min(Math.floor((min ?? 0.8) * 20) / 20, 0.95), 1] },
    text: (value) => `${(100 * value).toFixed(value < 0.9995 && (100 * value) % 1 > 0.01 ? 1 : 0)}`,
  });
  private readonly distribution = new Distribution(byId('distribution'));
  private readonly picker = new DigitPicker(byId('picker'), (index) => this.chooseTestImage(index));
  private readonly pad = new DrawingPad(byId<HTMLCanvasElement>('pad'), (image) => {
    this.picker.clear();
    this.choose({ image, label: null });
  });
  private readonly form: OptionsForm;
  private readonly slider = byId<HTMLInputElement>('temperature');
  private state: State = 'loading';
  private options = optionsFromAddress(location.search);
  private backend: RunningBackend | null = null;
  private networks: Networks | null = null;
  private progress: AsyncGenerator<Progress, void> | null = null;
  private digit: ChosenDigit | null = null;
  private logits: Logits | null = null;
  private isGuessing = false;
  private isGuessStale = false;
  /** During a training: not before this time, so that the training keeps most of it. */
  private nextGuess = 0;
  private firstOfEach = 0;
  /** Test images in the order of the teacher's doubt, once it is trained. */
  private leastSure: number[] = [];

  constructor(private readonly mnist: ByteMnist) {
    this.form = new OptionsForm(byId<HTMLFieldSetElement>('fields'), this.options, (options) => {
      this.options = options;
      this.rememberAddress();
      void this.reset();
    });
    byId('train').addEventListener('click', () => void this.startOrPause());
    byId('reset').addEventListener('click', () => void this.reset());
    byId('measure').addEventListener('click', () => void this.measure());
    byId('clear').addEventListener('click', () => this.pad.clear());
    byId('others').addEventListener('click', () => this.showDigits({ isNext: true }));
    byId('source').addEventListener('change', () => this.showDigits({ isNext: false }));
    byId('backend').addEventListener('change', ({ target }) =>
      this.changeBackend((target as HTMLSelectElement).value as BackendName),
    );
    this.slider.addEventListener('input', () => this.showDistribution());
  }

  async open(wanted: BackendName | 'auto'): Promise<void> {
    this.backend = await startBackend(wanted);
    showBackend(this.backend, wanted);
    await this.reset();
    this.showDigits({ isNext: false });
  }

  private async changeBackend(wanted: BackendName): Promise<void> {
    await this.stop();
    this.setState('loading', 'Starting …');
    this.rememberAddress(wanted);
    await this.open(wanted);
  }

  private rememberAddress(backend = backendFromAddress(location.search)): void {
    history.replaceState(null, '', addressOf(this.options, backend));
  }

  /** New networks. */
  private async reset(): Promise<void> {
    await this.stop();
    if (this.networks) for (const network of Object.values(this.networks)) network.dispose();
    this.networks = createNetworks(this.options);
    this.leastSure = [];
    this.lossChart.clear();
    this.accuracyChart.clear();
    byId<HTMLProgressElement>('progress').value = 0;
    this.slider.value = String(Math.log2(this.options.temperature));
    this.showResults(null);
    byId('chosen').textContent = inWords(this.options);
    this.setState('ready', 'Ready: three networks that know nothing yet.');
    await this.guess();
  }

  /** Ends a training, wherever it is. */
  private async stop(): Promise<void> {
    const { progress } = this;
    this.progress = null;
    await progress?.return();
  }

  private async startOrPause(): Promise<void> {
    if (this.state === 'training') {
      this.setState('paused', 'Paused.');
      return;
    }
    if (this.state === 'done') await this.reset();
    if (!this.networks) return;
    this.progress ??= train(this.networks, this.mnist, this.options);
    this.setState('training', byId('status').textContent ?? '');
    await this.advance(this.progress).catch((error: unknown) => this.fail(error));
  }

  /** Draws between slices of the training, until it ends or someone pauses or resets it. */
  private async advance(progress: AsyncGenerator<Progress, void>): Promise<void> {
    let phase: Progress['phase'] | null = null;
    while (this.state === 'training' && this.progress === progress) {
      const { done, value } = await progress.next();
      if (this.progress !== progress) return;
      if (done) {
        await this.finish();
        return;
      }
      this.showProgress(value);
      if (value.phase !== phase && this.state === 'training') {
        phase = value.phase;
        byId('status').textContent =
          phase === 'teacher' ? 'The teacher learns from the labels …' : 'The students learn …';
      }
      if (performance.now() >= this.nextGuess) await this.guess();
      await nextFrame();
    }
  }

  private showProgress({ phase, imagesSeen, imagesTotal, losses, accuracies }: Progress): void {
    const share = imagesSeen / imagesTotal / 2;
    byId<HTMLProgressElement>('progress').value = phase === 'teacher' ? share : 0.5 + share;
    this.lossChart.add(imagesSeen, losses);
    this.accuracyChart.add(imagesSeen, accuracies);
  }

  private async finish(): Promise<void> {
    this.progress = null;
    const { networks, options, mnist } = this;
    if (!networks) return;
    byId('status').textContent = 'Counting the errors …';
    const logits: Partial<Record<NetworkName, Float32Array>> = {};
    const count = Math.min(options.testImages, mnist.test.count);
    for (const name of NAMES) logits[name] = await logitsOf(networks[name], mnist.test, count);
    if (this.networks !== networks) return;
    this.leastSure = inOrderOfDoubt(logits.teacher ?? new Float32Array());
    this.showResults(logits);
    this.setState('done', 'Done. Choose a digit, move the temperature.');
  }

  private fail(error: unknown): void {
    console.error(error);
    this.setState('failed', 'Stopped by an error.');
    notice(`The training stopped: ${error instanceof Error ? error.message : error}`);
  }

  private setState(state: State, status: string): void {
    this.state = state;
    document.body.dataset.state = state;
    byId('status').textContent = status;
    const labels: Record<State, string> = {
      loading: 'Train',
      ready: 'Train',
      training: 'Pause',
      paused: 'Resume',
      done: 'Train again',
      failed: 'Train',
    };
    const button = byId<HTMLButtonElement>('train');
    button.textContent = labels[state];
    button.disabled = state === 'loading' || state === 'failed';
    byId<HTMLButtonElement>('reset').disabled = state === 'loading' || state === 'ready';
    byId<HTMLButtonElement>('measure').disabled = state === 'loading' || state === 'training';
    byId<HTMLButtonElement>('others').disabled = state === 'loading';
    this.form.isEnabled = state === 'ready' || state === 'done';
    const source = byId<HTMLSelectElement>('source');
    source.options[1].disabled = this.leastSure.length === 0;
    source.options[2].disabled = this.options.hiddenDigit < 0;
  }

  private showResults(logits: Partial<Record<NetworkName, Float32Array>> | null): void {
    const { hiddenDigit, testImages } = this.options;
    const { labels } = this.mnist.test;
    const ofHidden = labels.subarray(0, testImages).filter((label) => label === hiddenDigit).length;
    byId('hidden-digit').textContent =
      hiddenDigit < 0 ? '' : `of ${ofHidden.toLocaleString('en')} ${hiddenDigit}s`;
    const rows = NAMES.map((name) => {
      const row = document.createElement('tr');
      const head = document.createElement('th');
      head.scope = 'row';
      head.append(key(name), NETWORKS[name].label);
      const values = logits?.[name];
      const cells = [
        this.networks?.[name].parameters.toLocaleString('en') ?? '',
        values ? countErrors(values, labels).toLocaleString('en') : '–',
        hiddenDigit < 0 ? '' : values ? countErrors(values, labels, hiddenDigit).toLocaleString('en') : '–',
      ].map((text) => Object.assign(document.createElement('td'), { textContent: text }));
      row.append(head, ...cells);
      return row;
    });
    byId('results')
      .querySelector('tbody')
      ?.replaceChildren(...rows);
  }

  private showDigits({ isNext }: { isNext: boolean }): void {
    const { test } = this.mnist;
    const count = 2 * DIGITS;
    this.firstOfEach = isNext ? this.firstOfEach + count : 0;
    const source = byId<HTMLSelectElement>('source').value;
    const hidden = () =>
      Array.from(test.labels.keys()).filter((index) => test.labels[index] === this.options.hiddenDigit);
    const all = source === 'unsure' ? this.leastSure : source === 'hidden' ? hidden() : null;
    const indices =
      all === null || all.length === 0
        ? someOfEach(test, 2, this.firstOfEach)
        : Array.from({ length: count }, (_, k) => all[(this.firstOfEach + k) % all.length]);
    const first = indices.findIndex((index) => test.labels[index] === this.options.hiddenDigit);
    this.picker.show(test, indices, Math.max(first, 0));
  }

  private chooseTestImage(index: number): void {
    const { test } = this.mnist;
    this.choose({ image: greyLevels(test, [index]), label: test.labels[index] });
  }

  private choose(digit: ChosenDigit): void {
    this.digit = digit;
    void this.guess().then(() => this.speak());
  }

  /** The newest digit wins; while networks are asked about one, others wait. */
  private async guess(): Promise<void> {
    this.isGuessStale = true;
    if (this.isGuessing) return;
    this.isGuessing = true;
    const start = performance.now();
    try {
      while (this.isGuessStale && this.networks && this.digit) {
        this.isGuessStale = false;
        const { networks, digit } = this;
        const [teacher, student, alone] = await Promise.all(
          NAMES.map((name) => logitsOfImages(networks[name], digit.image)),
        );
        if (networks !== this.networks) this.isGuessStale = true;
        else this.logits = { teacher, student, alone };
        this.showGuesses();
        this.showDistribution();
      }
    } finally {
      const end = performance.now();
      this.nextGuess = end + Math.max(200, 5 * (end - start));
      this.isGuessing = false;
    }
  }

  private showGuesses(): void {
    const { logits, digit } = this;
    if (!logits) return;
    const cards = NAMES.map((name) => {
      const guess = likeliest(logits[name]);
      const card = document.createElement('div');
      card.className = 'guess';
      card.dataset.network = name;
      card.style.setProperty('--color', `var(${NETWORKS[name].color})`);
      card.classList.toggle('wrong', digit !== null && digit.label !== null && guess !== digit.label);
      const title = Object.assign(document.createElement('span'), { textContent: NETWORKS[name].short });
      const share = percent(softened(logits[name], 1)[guess]);
      const sure = Object.assign(document.createElement('small'), { textContent: `${share} % sure` });
      card.append(title, Object.assign(document.createElement('b'), { textContent: String(guess) }), sure);
      return card;
    });
    byId('guesses').replaceChildren(...cards);
    byId('truth').textContent = this.truth(digit);
  }

  private speak(): void {
    const { logits, digit, state } = this;
    if (!logits || state === 'training') return;
    const guesses = NAMES.map((name) => `${NETWORKS[name].label}: ${likeliest(logits[name])}`).join('. ');
    byId('spoken').textContent = `${guesses}. ${this.truth(digit)}`;
  }

  private truth(digit: ChosenDigit | null): string {
    if (digit === null || digit.label === null) return 'Your drawing, brought to the size of the others.';
    const seen = digit.label === this.options.hiddenDigit ? ', which the students are never shown' : '';
    return `The label says ${digit.label}${seen}.`;
  }

  private showDistribution(): void {
    const temperature = 2 ** this.slider.valueAsNumber;
    byId('temperature-value').textContent = temperature.toFixed(1);
    this.slider.setAttribute('aria-valuetext', temperature.toFixed(1));
    if (!this.logits) return;
    this.distribution.show(this.logits, temperature);
    byId('entropy').textContent = entropy(softened(this.logits.teacher, temperature)).toFixed(2);
  }

  private async measure(): Promise<void> {
    const button = byId<HTMLButtonElement>('measure');
    const status = byId('measure-status');
    const rows = byId('times').querySelector('tbody');
    button.disabled = true;
    rows?.replaceChildren();
    byId('times').hidden = false;
    byId('software').hidden = !this.backend?.isSoftware;
    try {
      for (const workload of workloads(this.options.batchSize)) {
        status.textContent = `Measuring [${workload.rows}, ${workload.classes}] …`;
        await nextFrame();
        const times = await measure(workload, this.options.temperature);
        rows?.append(timesRow(workload, times));
      }
      status.textContent = `Measured on ${this.backend?.name}, ${this.backend?.adapter}.`;
    } catch (error) {
      console.error(error);
      status.textContent = `The measurement stopped: ${error instanceof Error ? error.message : error}`;
    } finally {
      button.disabled = this.state === 'training';
    }
  }
}

function timesRow(
  { rows, classes, label }: { rows: number; classes: number; label: string },
  { fused, stock }: { fused: number; stock: number },
): HTMLTableRowElement {
  const row = document.createElement('tr');
  const head = document.createElement('th');
  head.scope = 'row';
  head.append(`[${rows}, ${classes.toLocaleString('en')}]`);
  head.append(Object.assign(document.createElement('small'), { textContent: label }));
  const milliseconds = (value: number) => `${inDigits(value, 3)} ms`;
  const cells = [milliseconds(stock), milliseconds(fused)].map((text) =>
    Object.assign(document.createElement('td'), { textContent: text }),
  );
  const faster = document.createElement('td');
  faster.append(
    Object.assign(document.createElement('strong'), { textContent: `${inDigits(stock / fused, 2)}×` }),
  );
  row.append(head, ...cells, faster);
  return row;
}

function inDigits(value: number, maximumSignificantDigits: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits });
}

function key(name: NetworkName): HTMLElement {
  return Object.assign(document.createElement('i'), { className: `key ${name}` });
}

/** Test images, those first of whose distribution the teacher is least sure. */
function inOrderOfDoubt(teacherLogits: Float32Array): number[] {
  const doubts = Array.from({ length: teacherLogits.length / DIGITS }, (_, index) => ({
    index,
    doubt: entropy(softened(teacherLogits.subarray(index * DIGITS, (index + 1) * DIGITS), 1)),
  }));
  return doubts.sort((a, b) => b.doubt - a.doubt).map(({ index }) => index);
}

function inWords({ epochs, temperature, alpha, hiddenDigit }: Options): string {
  const hidden = hiddenDigit < 0 ? 'all digits' : `no ${hiddenDigit} for the students`;
  return `T = ${temperature}, alpha ${alpha}, ${epochs} epoch${epochs === 1 ? '' : 's'}, ${hidden}`;
}

function showBackend(
  { name, adapter, isSoftware, refusals }: RunningBackend,
  wanted: BackendName | 'auto',
): void {
  byId<HTMLSelectElement>('backend').value = name;
  byId('adapter').textContent = `${adapter}${isSoftware ? ' (software-rendered)' : ''}`;
  document.body.dataset.backend = name;
  document.body.dataset.adapter = adapter;
  const texts = refusals.map((refusal) => `${titleOf(refusal.name)} is not available: ${refusal.reason}.`);
  const slow = name === 'cpu' ? ['Plain JavaScript computes here: expect a long wait.'] : [];
  if (wanted !== 'auto' || texts.length > 0) texts.push(...slow);
  notice(texts.length === 0 ? null : `${texts.join(' ')} The page runs on ${titleOf(name)}.`);
}

function titleOf(backend: BackendName): string {
  const titles = { webgpu: 'WebGPU', webgl: 'WebGL', wasm: 'WebAssembly', cpu: 'plain JavaScript' };
  return titles[backend];
}

function notice(text: string | null): void {
  byId('notice').hidden = text === null;
  byId('notice').textContent = text;
}

/** Lets the page draw. Browsers draw no frames in a hidden tab, where the training goes on. */
function nextFrame(): Promise<void> {
  return document.hidden ? new Promise((done) => setTimeout(done)) : tf.nextFrame();
}

async function main(): Promise<void> {
  const progress = byId<HTMLProgressElement>('progress');
  const mnist = await loadMnistInBrowser((share) => {
    progress.value = share;
  });
  await new Demo(mnist).open(backendFromAddress(location.search));
}

main().catch((error: unknown) => {
  console.error(error);
  document.body.dataset.state = 'failed';
  byId('status').textContent = 'The page could not start.';
  notice(error instanceof Error ? error.message : String(error));
});
