/**
 * The page of `npm run demo` in Firefox and WebKit: it starts on the best backend that they have, and trains.
 */
import { launchFirefox } from '../../scripts/firefox.ts';
import { whyAbsent } from '../../scripts/run_on_backend.ts';
import { type DrivenPage, patiently } from '../../scripts/web_driver.ts';
import { launchWebKit } from '../../scripts/webkit.ts';
import type { BackendProject } from '../backends/projects.ts';
import { isRequired } from '../runner/absence.ts';
import { serveDemo } from './serve_demo.ts';

const TINY = 'trainingImages=160&testImages=100&batchSize=32&epochs=2&teacherUnits=16&studentUnits=8';

/** ms. What waits so long has failed, even on a machine that is ten times too busy. */
const PATIENCE = 180_000;

jest.setTimeout(3 * PATIENCE);

interface Dataset {
  backend?: string;
  state?: string;
}

const BROWSERS: { name: string; engine: RegExp; launch(): Promise<DrivenPage>; needs: BackendProject }[] = [
  {
    name: 'Firefox',
    engine: /Firefox\/\d/,
    launch: () => launchFirefox('webgl'),
    needs: { name: 'webgl-firefox', backendName: 'webgl', host: 'firefox', precision: 'f32' },
  },
  {
    name: 'WebKit',
    engine: /Version\/[\d.]+ Safari/,
    launch: launchWebKit,
    needs: { name: 'webgl-webkit', backendName: 'webgl', host: 'webkit', precision: 'f32' },
  },
];

for (const { name, engine, launch, needs } of BROWSERS) {
  const absent = isRequired(needs.name) ? null : whyAbsent(needs);
  const describeHere = absent === null ? describe : describe.skip;

  describeHere(`npm run demo in ${name}${absent ? `: ${absent}` : ''}`, () => {
    for (const backend of ['webgl', 'wasm']) {
      it(`starts on ${backend} and trains to the end`, async () => {
        const server = await serveDemo();
        const page = await launch();
        try {
          await page.goto(`${server.address}?${TINY}&backend=${backend}`);
          expect(await page.execute('return navigator.userAgent;')).toMatch(engine);
          const reach = (state: string) =>
            patiently(
              `state '${state}'`,
              async () => {
                const dataset = await page.execute<Dataset>('return { ...document.body.dataset };');
                return dataset.state === state ? dataset : null;
              },
              PATIENCE,
            );
          expect((await reach('ready')).backend).toBe(backend);
          await page.execute("document.querySelector('#train').click();");
          await reach('done');
          const rows = await page.execute<number>(
            "return document.querySelectorAll('#results tbody tr').length;",
          );
          expect(rows).toBe(3);
        } finally {
          await page.close();
          server.process.kill();
        }
      });
    }
  });
}
