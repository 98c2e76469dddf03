/** Starts the page. What goes wrong here is told by the script in index.html. */
import '@tensorflow/tfjs-core'; // before its gradients
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { type BackendName, BackendStarter, type RunningBackend } from './backend.ts';
import { chosenBackend, onBackendChosen } from './backend_choice.ts';
import { Demo } from './demo.ts';
import { byId } from './elements.ts';
import { loadMnistInBrowser } from './mnist_in_browser.ts';
import { addressOf, backendFromAddress, optionsFromAddress } from './options.ts';

const starter = new BackendStarter();
const early = chosenBackend();
let backend = starter.start(early ?? backendFromAddress(location.search));
if (early !== null) remember(early);
let isOpen = false;
onBackendChosen((wanted) => {
  if (isOpen) return; // the demo has its own listener
  remember(wanted);
  backend = starter.start(wanted);
});
const progress = byId<HTMLProgressElement>('progress');
const [mnist] = await Promise.all([
  loadMnistInBrowser((share) => {
    progress.value = share;
  }),
  backend,
]);
byId('status').textContent = 'Starting …';
const running = await latestBackend();
isOpen = true;
await new Demo(mnist, starter, running).open();

function remember(wanted: BackendName): void {
  history.replaceState(null, '', addressOf(optionsFromAddress(location.search), wanted));
}

async function latestBackend(): Promise<RunningBackend> {
  for (;;) {
    const awaited = backend;
    const running = await awaited;
    if (awaited === backend) return running;
  }
}
