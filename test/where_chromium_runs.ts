import { whyNoChromium } from '../scripts/chromium.ts';

const isRequired = (process.env.TFJS_DISTILL_REQUIRE_BACKENDS ?? '').split(',').includes('all');
const reason = isRequired ? null : whyNoChromium();

/**
 * describe for what needs the packaged Chromium or its software drivers: skipped, and listed with the reason,
 * where there is none.
 */
export function describeWhereChromiumRuns(title: string, define: () => void): void {
  if (reason === null) describe(title, define);
  else describe.skip(`${title}: ${reason}`, define);
}
