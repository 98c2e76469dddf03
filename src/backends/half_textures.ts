import { engine, env } from '@tensorflow/tfjs-core';

/**
 * Whether the textures of backend 'webgl' hold half-precision numbers; arithmetic is float32 all the same.
 */
export function hasHalfTextures(): boolean {
  return !env().getBool('WEBGL_RENDER_FLOAT32_ENABLED');
}

/** Just within the largest number that the backend holds: what lies beyond is an infinity. */
export const largestFinite = () => (engine().backendName === 'webgl' && hasHalfTextures() ? 6.5e4 : 3.4e38);
