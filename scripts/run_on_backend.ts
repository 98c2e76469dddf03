/**
 * Runs a script where a backend of tfjs is real: in a page of a browser, or in a process of its own that no
 * sandbox stands in.
 */
import { type BackendProject, isPage } from '../test/backends/projects.ts';
import { whyNoChromium } from './chromium.ts';
import { whyNoDisplay, whyNoFirefox, whyNoLavapipe, whyNoRuntime, whyNoWebKit } from './engines.ts';
import { runInPage } from './run_in_page.ts';
import { runInProcess } from './run_in_process.ts';
import { whyNoTensorFlow } from './setup_tensorflow.ts';

/**
 * What the script that is bundled leaves behind as `globalThis.start`: it reports as it goes, and its promise
 * is the end.
 */
export type Start<Report, Argument = undefined> = (
  report: (report: Report) => Promise<void> | void,
  argument: Argument,
) => Promise<void>;

/** Why this machine cannot run the backend, or null if it can. */
export function whyAbsent({ host, backendName, driver }: BackendProject): string | null {
  if (driver === 'lavapipe' && whyNoLavapipe() !== null) return whyNoLavapipe();
  switch (host) {
    case 'node':
      if (backendName === 'tensorflow') return whyNoTensorFlow();
      return backendName === 'webgpu' && driver === undefined ? whyNoChromium() : null;
    case 'chromium':
      return whyNoChromium();
    case 'firefox':
      return whyNoFirefox() ?? (backendName === 'webgpu' ? null : whyNoDisplay());
    case 'webkit':
      return whyNoWebKit() ?? whyNoDisplay();
    case 'deno':
    case 'bun':
      return whyNoRuntime(host);
    default:
      return host satisfies never;
  }
}

/** Runs a bundle to its end. Throws if it does, or if its process or page ends early. */
export async function runOnBackend<Report, Argument = undefined>(
  project: BackendProject,
  bundle: string,
  report: (report: Report) => void,
  argument?: Argument,
): Promise<void> {
  await (isPage(project) ? runInPage : runInProcess)(project, bundle, report, argument);
}
