import * as tf from '@tensorflow/tfjs-core';
import { isSoftwareAdapter } from '../../src/backends/software_adapters.ts';
import type { Copy, Counts, Device } from './device.ts';
import { countInEngine } from './engine_counts.ts';

type WebGLBackend = tf.KernelBackend & { gpgpu: { gl: WebGL2RenderingContext } };

/** EXT_disjoint_timer_query_webgl2 */
interface TimerQueries {
  TIME_ELAPSED_EXT: number;
  GPU_DISJOINT_EXT: number;
}

export function webgl(): Device {
  const { gl } = (tf.backend() as WebGLBackend).gpgpu;
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  const adapter = String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  const isSoftware = isSoftwareAdapter(adapter);
  const queries = gl.getExtension('EXT_disjoint_timer_query_webgl2') as TimerQueries | null;
  const wait = fence(gl);
  return {
    machine: isSoftware ? 'software' : 'gpu',
    adapter,
    clocks: queries === null || isSoftware ? ['wall'] : ['timestamp', 'wall'],
    maxBytes: gl.getParameter(gl.MAX_TEXTURE_SIZE) ** 2 * 4,
    cacheBytes: isSoftware ? 2 ** 26 : 2 ** 28,
    time: async (clock, calls) => {
      wait();
      if (clock === 'timestamp') {
        if (queries === null) throw new Error('This context has no EXT_disjoint_timer_query_webgl2.');
        return timeOnDevice(gl, queries, calls);
      }
      const start = performance.now();
      calls();
      wait();
      return performance.now() - start;
    },
    makeCopy,
    count,
    takeFaults: () => {
      const error = gl.getError();
      return error === gl.NO_ERROR ? [] : [`WebGL error ${error}`];
    },
  };
}

/**
 * Commands of a context end in order, so reading back one texel that was cleared last waits for all of them.
 */
function fence(gl: WebGL2RenderingContext): () => void {
  const framebuffer = gl.createFramebuffer();
  const texture = gl.createTexture();
  const texel = new Uint8Array(4);
  const bound = gl.getParameter(gl.TEXTURE_BINDING_2D) as WebGLTexture | null;
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, 1, 1);
  gl.bindTexture(gl.TEXTURE_2D, bound);
  return () => {
    const before = gl.getParameter(gl.FRAMEBUFFER_BINDING) as WebGLFramebuffer | null;
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, texel);
    gl.bindFramebuffer(gl.FRAMEBUFFER, before);
  };
}

async function timeOnDevice(
  gl: WebGL2RenderingContext,
  { TIME_ELAPSED_EXT, GPU_DISJOINT_EXT }: TimerQueries,
  calls: () => void,
): Promise<number> {
  for (;;) {
    const query = gl.createQuery();
    if (query === null) throw new Error('The WebGL context is lost.');
    gl.beginQuery(TIME_ELAPSED_EXT, query);
    calls();
    gl.endQuery(TIME_ELAPSED_EXT);
    while (!gl.getQueryParameter(query, gl.QUERY_RESULT_AVAILABLE))
      await new Promise((done) => setTimeout(done, 1));
    const nanoseconds = gl.getQueryParameter(query, gl.QUERY_RESULT) as number;
    gl.deleteQuery(query);
    if (!gl.getParameter(GPU_DISJOINT_EXT)) return nanoseconds / 1e6;
  }
}

/** A texture is copied by drawing it: tfjs's own negative of every number. */
function makeCopy(bytes: number, buffers: number): Copy {
  const length = Math.max(1, Math.round(bytes / 8));
  const sources = Array.from({ length: buffers }, () => tf.tidy(() => tf.add(tf.ones([length]), 1)));
  return {
    run: (i) => tf.neg(sources[i % buffers]).dispose(),
    dispose: () => tf.dispose(sources),
  };
}

/** Draws, and the bytes of the tensors that are alive at once. */
async function count(call: () => void): Promise<Counts> {
  const { prototype } = WebGL2RenderingContext;
  const { drawElements } = prototype;
  let kernels = 0;
  prototype.drawElements = function (...args) {
    kernels++;
    return drawElements.apply(this, args);
  };
  try {
    const { peakExtraBytes } = countInEngine(call);
    return { kernels, peakExtraBytes };
  } finally {
    prototype.drawElements = drawElements;
  }
}
