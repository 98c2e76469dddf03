/** The button that measures the loss on this machine, and its table. */
import type { RunningBackend } from './backend.ts';
import { byId, element, tableRow } from './elements.ts';
import { nextFrame } from './next_frame.ts';
import { measure, type StepTime, type Workload, workloads } from './step_time.ts';

export async function measureStepTimes(
  backend: RunningBackend,
  { batchSize, temperature }: { batchSize: number; temperature: number },
): Promise<void> {
  const status = byId('measure-status');
  const rows = byId('times').querySelector('tbody');
  showWorkloads(batchSize);
  byId('software').hidden = !backend.isSoftware;
  try {
    for (const [k, workload] of workloads(batchSize).entries()) {
      status.textContent = `Measuring [${workload.rows}, ${workload.classes}] …`;
      await nextFrame();
      rows?.children[k].replaceWith(timesRow(workload, await measure(workload, temperature)));
    }
    status.textContent = `Measured on ${backend.name}, ${backend.adapter}.`;
  } catch (error) {
    console.error(error);
    status.textContent = `The measurement stopped: ${error instanceof Error ? error.message : error}`;
  }
}

/** Its places stand empty before the times are known, so that nothing moves. */
export function showWorkloads(batchSize: number): void {
  byId('times')
    .querySelector('tbody')
    ?.replaceChildren(...workloads(batchSize).map((workload) => timesRow(workload, null)));
}

function timesRow({ rows, classes, label }: Workload, times: StepTime | null): HTMLTableRowElement {
  const head = [`[${rows}, ${classes.toLocaleString('en')}]`, element('small', '', label)];
  if (times === null) return tableRow(head, ['–', '–', '–']);
  const { stock, fused } = times;
  const milliseconds = (value: number) => `${inDigits(value, 3)} ms`;
  const ratio = element('strong', '', `${inDigits(stock / fused, 2)}×`);
  return tableRow(head, [milliseconds(stock), milliseconds(fused), ratio]);
}

function inDigits(value: number, maximumSignificantDigits: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits });
}
