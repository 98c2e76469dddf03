/** The list of backends, and what is said of the one that runs. */
import { BACKENDS, type BackendName, type RunningBackend, TITLES } from './backend.ts';
import { byId } from './elements.ts';
import { showNotice } from './notice.ts';

const list = byId<HTMLSelectElement>('backend');

/** The choice of someone who was faster than the page: the list works before its script does. Else null. */
export function chosenBackend(): BackendName | null {
  return BACKENDS.find((name) => name === list.value) ?? null;
}

export function onBackendChosen(listener: (wanted: BackendName) => void): void {
  list.addEventListener('change', () => {
    const chosen = chosenBackend();
    if (chosen !== null) listener(chosen);
  });
}

/** Says which runs and on what, and tells why it is not another. */
export function showBackend({ name, adapter, isSoftware, refusals }: RunningBackend): void {
  list.value = name;
  byId('adapter').textContent = isSoftware ? `${adapter} (a GPU imitated in software)` : adapter;
  document.body.dataset.backend = name;
  document.body.dataset.adapter = adapter;
  const texts = refusals.map((refusal) => `${TITLES[refusal.name]} is not available: ${refusal.reason}.`);
  showNotice(texts.length === 0 ? null : `${texts.join(' ')} The page runs on ${TITLES[name]}.`);
}
