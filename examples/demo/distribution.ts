/** The softened distributions of the networks for one digit, as bars. */
import { NETWORKS } from './charts.ts';
import { DIGITS } from './mnist_in_browser.ts';
import { likeliest, type NetworkName } from './training.ts';

const NAMES = Object.keys(NETWORKS) as NetworkName[];

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
      const name = element('b', 'digit');
      name.textContent = String(digit);
      bars.append(text);
      column.append(bars, name);
      this.columns.push(column);
      this.texts.push(text);
      place.append(column);
    }
  }

  show(logits: Logits, temperature: number): void {
    for (const name of NAMES) {
      const shares = softened(logits[name], temperature);
      for (const [digit, bar] of (this.bars.get(name) ?? []).entries()) {
        bar.style.height = `${100 * shares[digit]}%`;
      }
    }
    for (const [digit, text] of this.texts.entries()) {
      const heights = NAMES.map((name) =>
        Number.parseFloat(this.bars.get(name)?.[digit].style.height ?? '0'),
      );
      text.style.bottom = `${Math.max(...heights)}%`;
    }
    const teacher = softened(logits.teacher, temperature);
    const top = likeliest(logits.teacher);
    for (const [digit, share] of teacher.entries()) {
      this.texts[digit].textContent = percent(share);
      this.columns[digit].classList.toggle('top', digit === top);
    }
    this.place.setAttribute('aria-label', this.description(teacher, temperature));
  }

  private description(teacher: number[], temperature: number): string {
    const ranked = teacher.map((share, digit) => ({ share, digit })).sort((a, b) => b.share - a.share);
    const first = ranked.slice(0, 3).map(({ share, digit }) => `${digit} ${percent(share)} %`);
    return `The teacher's distribution at temperature ${temperature.toFixed(1)}: ${first.join(', ')}.`;
  }
}

/** A share in percent, with the digits that fit into a narrow column. */
export function percent(share: number): string {
  const value = 100 * share;
  if (value >= 99.95) return '100';
  if (value >= 9.95) return value.toFixed(0);
  if (value >= 0.095) return value.toFixed(1);
  return value === 0 ? '0' : '<0.1';
}

function element(tag: string, className: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}
