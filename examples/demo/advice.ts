/** What to do where a training takes long. */
import { type BackendName, type RunningBackend, TITLES } from './backend.ts';
import { byId, element } from './elements.ts';

export interface Advice {
  text: string;
  /** Whither to change. */
  backend: BackendName | null;
}

/** s; nobody watches for longer. */
const LONG = 90;

/** @param secondsLeft of the phase of the training that is under way, if it is known. */
export function adviceFor(
  { name, isSoftware, refusals }: RunningBackend,
  secondsLeft: number | null,
): Advice | null {
  const fewer = 'Fewer training images or a smaller teacher, under Options, make it shorter.';
  const backend = name === 'wasm' || refusals.some((refusal) => refusal.name === 'wasm') ? null : 'wasm';
  if (isSoftware) return { text: 'Here software imitates a GPU, which is slow.', backend };
  if (name === 'cpu') return { text: 'Plain JavaScript is slow.', backend };
  if (secondsLeft === null || secondsLeft < LONG) return null;
  return { text: `This takes long on this device. ${fewer}`, backend };
}

export function showAdvice(advice: Advice | null, change: (backend: BackendName) => void): void {
  const place = byId('advice');
  const key = JSON.stringify(advice);
  if (place.dataset.shown === key) return; // or its button would lose the focus
  place.dataset.shown = key;
  place.replaceChildren(advice?.text ?? '');
  const backend = advice?.backend;
  if (!backend) return;
  const button = element('button', 'link', `Change to ${TITLES[backend]}`);
  button.type = 'button';
  button.addEventListener('click', () => change(backend));
  place.append(' ', button);
}
