/**
 * Drivers that compute on the processor in place of a GPU, by what they, their browsers or Dawn call them.
 */
const SOFTWARE_ADAPTERS: readonly RegExp[] = [
  /swiftshader/i, // of Chromium
  /llvmpipe|lavapipe|softpipe/i, // of Mesa
  /\bsoftware\b/i, // Dawn's architecture of Mesa's lavapipe; 'Apple Software Renderer'
  /\bwarp\b|basic render/i, // of Windows: 'Microsoft Basic Render Driver'
  /\bcpu\b/i,
];

/**
 * Whether a CPU stands in for the GPU: there a barrier costs as much as hundreds of classes, and few threads
 * fill the machine.
 *
 * @param name Whatever is known of the adapter: vendor, architecture, device, description, or the name of a
 * WebGL renderer.
 */
export function isSoftwareAdapter(name: string): boolean {
  return SOFTWARE_ADAPTERS.some((pattern) => pattern.test(name));
}
