/**
 * Stands for scripts/chromium.ts in the archive, which has the software Vulkan driver of the browser but not
 * the browser.
 */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';

export const whyNoChromium = (): null => null;

/** The folder of the driver, with a Dawn of its own: see dawnWithSwiftShader in scripts/dawn.ts. */
export async function unpackChromium(): Promise<string> {
  const lib = join(__dirname, '..');
  const addon = join(lib, 'swiftshader', 'dawn.node');
  if (!existsSync(addon)) copyFileSync(join(lib, 'dawn', 'dawn.node'), addon);
  return join(lib, 'swiftshader');
}

export async function launchChromium(): Promise<never> {
  throw new Error('launchChromium: this archive has no browser.');
}
