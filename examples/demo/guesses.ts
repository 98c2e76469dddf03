/** What the three networks say of one digit: a guess each, and their softened distributions. */
import type { ChosenDigit } from './digits.ts';
import { Distribution, entropy, type Logits, percent, softened } from './distribution.ts';
import { byId, element } from './elements.ts';
import { NAMES, NETWORKS } from './networks.ts';
import { likeliest, logitsOfImages, type NetworkName, type Networks } from './training.ts';

export class Guesses {
  private readonly distribution = new Distribution(byId('distribution'));
  private readonly slider = byId<HTMLInputElement>('temperature');
  private networks: Networks | null = null;
  private hiddenDigit = -1;
  private digit: ChosenDigit | null = null;
  private logits: Logits | null = null;
  private isAsking = false;
  private isStale = false;
  /** During a training: not before this time, so that the training keeps most of it. */
  private nextTime = 0;

  constructor() {
    this.slider.addEventListener('input', () => this.showDistribution());
  }

  /** Asks these networks from now on. */
  start(
    networks: Networks,
    { temperature, hiddenDigit }: { temperature: number; hiddenDigit: number },
  ): void {
    this.networks = networks;
    this.hiddenDigit = hiddenDigit;
    this.slider.value = String(Math.log2(temperature));
  }

  async choose(digit: ChosenDigit): Promise<void> {
    this.digit = digit;
    await this.update();
  }

  /** The newest digit wins; while networks are asked about one, others wait. */
  async update(): Promise<void> {
    this.isStale = true;
    if (this.isAsking) return;
    this.isAsking = true;
    const start = performance.now();
    try {
      while (this.isStale && this.networks && this.digit) {
        this.isStale = false;
        const { networks, digit } = this;
        const [teacher, student, alone] = await Promise.all(
          NAMES.map((name) => logitsOfImages(networks[name], digit.image)),
        );
        if (networks !== this.networks) this.isStale = true;
        else this.logits = { teacher, student, alone };
        this.show();
        this.showDistribution();
      }
    } finally {
      const end = performance.now();
      this.nextTime = end + Math.max(200, 5 * (end - start));
      this.isAsking = false;
    }
  }

  async updateIfDue(): Promise<void> {
    if (performance.now() >= this.nextTime) await this.update();
  }

  /** For those who do not see the page. */
  speak(): void {
    const { logits } = this;
    if (!logits) return;
    const guesses = NAMES.map((name) => `${NETWORKS[name].label}: ${likeliest(logits[name])}`).join('. ');
    byId('spoken').textContent = `${guesses}. ${this.truth()}`;
  }

  private show(): void {
    const { logits } = this;
    if (!logits) return;
    byId('guesses').replaceChildren(...NAMES.map((name) => this.card(name, logits[name])));
    byId('truth').textContent = this.truth();
  }

  private card(name: NetworkName, logits: ArrayLike<number>): HTMLElement {
    const guess = likeliest(logits);
    const isWrong = this.digit !== null && this.digit.label !== null && guess !== this.digit.label;
    const card = element('div', isWrong ? 'guess wrong' : 'guess');
    card.dataset.network = name;
    card.style.setProperty('--color', `var(${NETWORKS[name].color})`);
    const sure = element('small', '', `${percent(softened(logits, 1)[guess])} % sure`);
    card.append(element('span', '', NETWORKS[name].short), element('b', '', String(guess)), sure);
    return card;
  }

  private truth(): string {
    const { digit } = this;
    if (digit === null || digit.label === null) return 'Your drawing, brought to the size of the others.';
    const seen = digit.label === this.hiddenDigit ? ', which the students are never shown' : '';
    return `It is a ${digit.label}${seen}.`;
  }

  private showDistribution(): void {
    const temperature = 2 ** this.slider.valueAsNumber;
    byId('temperature-value').textContent = temperature.toFixed(1);
    this.slider.setAttribute('aria-valuetext', temperature.toFixed(1));
    if (!this.logits) return;
    this.distribution.show(this.logits, temperature);
    byId('entropy').textContent = entropy(softened(this.logits.teacher, temperature)).toFixed(2);
  }
}
