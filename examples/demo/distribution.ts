/** The softened distributions of the networks for one digit, as bars. */
import { element } from './elements.ts';
import { DIGITS } from './mnist_in_browser.ts';
import { NAMES } from './networks.ts';
import { likeliest, type NetworkName } from './training.ts';

/** softmax(logits / temperature). */
export function softened(logits: ArrayLike<number>, temperature: number): number[] {
  const scaled = Array.from(logits, (logit) => logit / temperature);
  const max = Math.max(...scaled);
  const exponentials = scaled.map((value) => Math.exp(value - max));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** In nats: 0 for a certain network, ln 10 for one that knows nothing. */
export function entropy(probabilities: number[]): number {
  return -probabilities.reduce((sum, p) => (p > 0 ? sum + p * Math.log(p) : sum), 0);
}

export type Logits = Record<NetworkName, ArrayLike<number>>;

/** Shares that the top of the bars can stand for. */
const CEILINGS = [0.1, 0.2, 0.3, 0.5, 1];

/** The bars' full height stands for the least of the ceilings that holds them all. */
export class Distribution {
  private readonly bars = new Map<NetworkName, HTMLElement[]>(NAMES.map((name) => [name, []]));
  private readonly texts: HTMLElement[] = [];
  private readonly columns: HTMLElement[] = [];

  constructor(private readonly place: HTMLElement) {
    for (let digit = 0; digit < DIGITS; digit++) {
      const column = element('div', 'column');
      const text = element('span', 'share');
      const bars = element('div', 'bars');
      for (const name of NAMES) {
        const bar = element('i', name);
        this.bars.get(name)?.push(bar);
        bars.append(bar);
      }
      bars.append(text);
      column.append(bars, element('b', 'digit', String(digit)));
      this.columns.push(column);
      this.texts.push(text);
      place.append(column);
    }
  }

  show(logits: Logits, temperature: number): void {
    const shares = NAMES.map((name) => ({ name, shares: softened(logits[name], temperature) }));
    const largest = Math.max(...shares.flatMap(({ shares }) => shares));
    const ceiling = CEILINGS.find((ceiling) => largest <= ceiling) ?? 1;
    this.place.dataset.ceiling = percent(ceiling);
    for (const { name, shares: ofNetwork } of shares) {
      for (const [digit, bar] of (this.bars.get(name) ?? []).entries()) {
        bar.dataset.share = String(ofNetwork[digit]);
        bar.style.height = `${(100 * ofNetwork[digit]) / ceiling}%`;
      }
    }
    const teacher = softened(logits.teacher, temperature);
    const top = likeliest(logits.teacher);
    for (const [digit, share] of teacher.entries()) {
      const tallest = Math.max(...shares.map(({ shares }) => shares[digit]));
      this.texts[digit].style.bottom = `${(100 * tallest) / ceiling}%`;
      this.texts[digit].textContent = percent(share);
      this.columns[digit].classList.toggle('top', digit === top);
    }
    this.place.setAttribute('aria-label', description(teacher, temperature));
  }
}

function description(teacher: number[], temperature: number): string {
  const ranked = teacher.map((share, digit) => ({ share, digit })).sort((a, b) => b.share - a.share);
  const first = ranked.slice(0, 3).map(({ share, digit }) => `${digit} ${percent(share)} %`);
  return `The teacher's distribution at temperature ${temperature.toFixed(1)}: ${first.join(', ')}.`;
}

/** A share in percent, with the digits that fit into a narrow column. */
export function percent(share: number): string {
  const value = 100 * share;
  if (value >= 99.95) return '100';
  if (value >= 9.95) return value.toFixed(0);
  if (value >= 0.095) return value.toFixed(1);
  return value === 0 ? '0' : '<0.1';
}
