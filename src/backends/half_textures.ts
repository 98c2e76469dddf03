import { env } from '@tensorflow/tfjs-core';

/**
 * Whether the textures of backend 'webgl' hold half-precision numbers; arithmetic is float32 all the same.
 */
export function hasHalfTextures(): boolean {
  return !env().getBool('WEBGL_RENDER_FLOAT32_ENABLED');
}
