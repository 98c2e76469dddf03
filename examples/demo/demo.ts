/** Runs trainings, and shows how they go. */
import { adviceFor, showAdvice } from './advice.ts';
import type { BackendName, BackendStarter, RunningBackend } from './backend.ts';
import { onBackendChosen, showBackend } from './backend_choice.ts';
import { Chart } from './charts.ts';
import { DigitPanel } from './digit_panel.ts';
import { entropy, softened } from './distribution.ts';
import { byId } from './elements.ts';
import { Guesses } from './guesses.ts';
import { type ByteMnist, DIGITS } from './mnist_in_browser.ts';
import { NAMES } from './networks.ts';
import { nextFrame } from './next_frame.ts';
import { showNotice } from './notice.ts';
import { addressOf, backendFromAddress, OptionsForm, optionsFromAddress } from './options.ts';
import { conclusionOf, type Score, type Scores, scoreOf, showScores } from './results.ts';
import { measureStepTimes, showWorkloads } from './step_time_panel.ts';
import { inShort, openingOf, storyOf } from './story.ts';
import { inWords, TimeLeft } from './time_left.ts';
import {
  createNetworks,
  logitsOf,
  type NetworkName,
  type Networks,
  type Progress,
  train,
} from './training.ts';

type State = 'loading' | 'ready' | 'training' | 'paused' | 'done' | 'failed';

const LABELS: Record<State, string> = {
  loading: 'Train',
  ready: 'Train',
  training: 'Pause',
  paused: 'Resume',
  done: 'Train again',
  failed: 'Train',
};

export class Demo {
  private readonly accuracyChart = new Chart(byId('accuracy-chart'), {
    least: 0,
    scale: { range: [0, 1] },
    text: (value) => `${(100 * value).toFixed(value < 0.9995 && (100 * value) % 1 > 0.01 ? 1 : 0)}`,
  });
  private readonly distanceChart = new Chart(byId('distance-chart'), {
    // uPlot steps forever from a lower end that is no power of ten.
    scale: { distr: 3, range: (_, min) => [10 ** Math.floor(Math.log10(Math.min(min ?? 1, 0.01))), 3] },
    least: 1e-4, // nothing below 0 has a place on a logarithmic axis
    text: (value) => String(Number(value.toPrecision(2))),
  });
  private readonly guesses = new Guesses();
  private readonly digits: DigitPanel;
  private readonly form: OptionsForm;
  private readonly timeLeft = new TimeLeft();
  private state: State = 'loading';
  private options = optionsFromAddress(location.search);
  private networks: Networks | null = null;
  private progress: AsyncGenerator<Progress, void> | null = null;

  constructor(
    private readonly mnist: ByteMnist,
    private readonly starter: BackendStarter,
    private backend: RunningBackend,
  ) {
    this.digits = new DigitPanel(mnist.test, (digit) => {
      const isSpoken = this.state !== 'training';
      void this.guesses.choose(digit).then(() => isSpoken && this.guesses.speak());
    });
    this.form = new OptionsForm(byId<HTMLFieldSetElement>('fields'), this.options, (options) => {
      this.options = options;
      this.rememberAddress();
      void this.reset();
    });
    byId('train').addEventListener('click', () => void this.startOrPause());
    byId('reset').addEventListener('click', () => void this.reset());
    byId('measure').addEventListener('click', () => void this.measure());
    onBackendChosen((wanted) => void this.changeBackend(wanted));
  }

  async open(): Promise<void> {
    showBackend(this.backend);
    await this.reset();
    this.digits.show({ from: 0 });
  }

  private async changeBackend(wanted: BackendName): Promise<void> {
    this.rememberAddress(wanted);
    if (this.starter.isStarting) {
      await this.starter.start(wanted); // the change under way goes on to this one
      return;
    }
    await this.stop();
    this.setState('loading', 'Starting …');
    try {
      this.backend = await this.starter.start(wanted);
      await this.open();
    } catch (error) {
      this.fail(error, 'The page could not change its backend');
    }
  }

  private rememberAddress(backend = backendFromAddress(location.search)): void {
    history.replaceState(null, '', addressOf(this.options, backend));
  }

  /** New networks. */
  private async reset(): Promise<void> {
    await this.stop();
    if (this.networks) for (const network of Object.values(this.networks)) network.dispose();
    this.networks = createNetworks(this.options);
    this.guesses.start(this.networks, this.options);
    this.accuracyChart.clear();
    this.distanceChart.clear();
    byId<HTMLProgressElement>('progress').value = 0;
    this.showScores(null);
    showWorkloads(this.options.batchSize);
    this.offerDigits([]);
    byId('chosen').textContent = inShort(this.options);
    byId('story').textContent = openingOf(this.options);
    this.advise(null);
    this.setState('ready', 'Ready: three networks that know nothing yet.');
    await this.guesses.update();
  }

  /** Ends a training, wherever it is. */
  private async stop(): Promise<void> {
    const { progress } = this;
    this.progress = null;
    await progress?.return();
  }

  private async startOrPause(): Promise<void> {
    this.timeLeft.reset();
    if (this.state === 'training') {
      this.setState('paused', 'Paused.');
      return;
    }
    if (this.state === 'done') await this.reset();
    if (!this.networks) return;
    this.progress ??= train(this.networks, this.mnist, this.options);
    this.setState('training', byId('status').textContent ?? '');
    await this.advance(this.progress).catch((error: unknown) => this.fail(error, 'The training stopped'));
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
      if (value.phase !== phase) this.timeLeft.reset();
      phase = value.phase;
      this.showProgress(value);
      await this.guesses.updateIfDue();
      await nextFrame();
    }
  }

  private showProgress(progress: Progress): void {
    const { phase, imagesSeen, imagesTotal, points } = progress;
    const share = imagesSeen / imagesTotal / 2;
    byId<HTMLProgressElement>('progress').value = phase === 'teacher' ? share : 0.5 + share;
    const of = (quantity: 'accuracy' | 'distance') =>
      Object.fromEntries(Object.entries(points).map(([name, point]) => [name, point[quantity]]));
    this.accuracyChart.add(imagesSeen, of('accuracy'));
    this.distanceChart.add(imagesSeen, of('distance'));
    if (this.state !== 'training') return;
    const seconds = this.timeLeft.report(progress);
    const who = phase === 'teacher' ? 'First the teacher' : 'Now the students';
    byId('status').textContent = seconds === null ? `${who} …` : `${who}: ${inWords(seconds)} left.`;
    byId('story').textContent = storyOf(phase, this.options);
    this.advise(seconds);
  }

  private advise(secondsLeft: number | null): void {
    showAdvice(adviceFor(this.backend, secondsLeft), (backend) => void this.changeBackend(backend));
  }

  private async finish(): Promise<void> {
    this.progress = null;
    const { networks, options, mnist } = this;
    if (!networks) return;
    byId('status').textContent = 'Counting the errors …';
    const count = Math.min(options.testImages, mnist.test.count);
    const scores: Partial<Record<NetworkName, Score>> = {};
    for (const name of NAMES) {
      const logits = await logitsOf(networks[name], mnist.test, count);
      if (this.networks !== networks) return;
      scores[name] = scoreOf(logits, mnist.test.labels, options.hiddenDigit);
      if (name === 'teacher') this.offerDigits(inOrderOfDoubt(logits));
    }
    const shown = this.showScores(scores as Record<NetworkName, Score>);
    byId('story').textContent = conclusionOf(shown);
    this.setState('done', 'Done. Choose a digit, move the temperature.');
    await this.guesses.update();
  }

  private showScores(networks: Scores['networks']): Scores {
    const { hiddenDigit, testImages } = this.options;
    const labels = this.mnist.test.labels.subarray(0, testImages);
    const imagesOfHidden = labels.filter((label) => label === hiddenDigit).length;
    const scores = { hiddenDigit, images: labels.length, imagesOfHidden, networks };
    if (this.networks) showScores(this.networks, scores);
    return scores;
  }

  private offerDigits(leastSure: number[]): void {
    this.digits.offer({ hiddenDigit: this.options.hiddenDigit, leastSure });
  }

  private fail(error: unknown, what: string): void {
    console.error(error);
    this.setState('failed', 'Stopped by an error.');
    showNotice(`${what}: ${error instanceof Error ? error.message : error}`);
  }

  private setState(state: State, status: string): void {
    this.state = state;
    document.body.dataset.state = state;
    byId('status').textContent = status;
    const button = byId<HTMLButtonElement>('train');
    button.textContent = LABELS[state];
    button.disabled = state === 'loading' || state === 'failed';
    byId<HTMLButtonElement>('reset').disabled = state === 'loading' || state === 'ready';
    byId<HTMLButtonElement>('measure').disabled = state === 'loading' || state === 'training';
    byId<HTMLButtonElement>('others').disabled = state === 'loading';
    this.form.isEnabled = state === 'ready' || state === 'done';
  }

  private async measure(): Promise<void> {
    const button = byId<HTMLButtonElement>('measure');
    button.disabled = true;
    await measureStepTimes(this.backend, this.options);
    button.disabled = this.state === 'training';
  }
}

/** Test images, those first of whose digit the teacher is least sure. */
function inOrderOfDoubt(teacherLogits: Float32Array): number[] {
  const doubts = Array.from({ length: teacherLogits.length / DIGITS }, (_, index) => ({
    index,
    doubt: entropy(softened(teacherLogits.subarray(index * DIGITS, (index + 1) * DIGITS), 1)),
  }));
  return doubts.sort((a, b) => b.doubt - a.doubt).map(({ index }) => index);
}
