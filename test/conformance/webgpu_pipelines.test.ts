import * as tf from '@tensorflow/tfjs-core';
import { type InputsKind, pipelineOf } from '../../src/backends/webgpu/pipeline.ts';
import { backend, startBackend } from '../backends/current.ts';
import type { DeviceBackend } from '../webgpu_device.ts';
import { pipelinesOf } from '../webgpu_pipelines.ts';

beforeAll(startBackend);

/**
 * Some thirty pipelines, of every fourth plan, each with another of the things that can be asked for:
 * SwiftShader's compiler takes a second or two for one.
 */
const STEP = 1999;

/** A minute of an idle machine. */
const TIMEOUT_MS = 600_000;

/** Without a dispatch: a compiler that refuses a pipeline, or takes its browser down, is seen here. */
async function createPipelines(device: GPUDevice, inputs: InputsKind): Promise<GPUComputePipeline[]> {
  const { limits, features } = device;
  const mostThreads = Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX);
  const variants = pipelinesOf({ mostThreads, hasSubgroups: features.has('subgroups') }, 4, STEP).filter(
    ({ modules }) => modules.inputs === inputs,
  );
  tf.env().set('WEBGPU_ENGINE_COMPILE_ONLY', true);
  try {
    return await Promise.all(variants.map((variant) => pipelineOf(device, variant)));
  } finally {
    tf.env().set('WEBGPU_ENGINE_COMPILE_ONLY', false);
  }
}

if (backend.backendName === 'webgpu') {
  describe('plans of GPUs and of CPUs in their place compile', () => {
    for (const [inputs, least] of [
      ['vec4', 4],
      ['scalar', 8],
      ['tile', 2],
    ] as const) {
      it(
        `inputs '${inputs}'`,
        async () => {
          const pipelines = await createPipelines((tf.backend() as DeviceBackend).device, inputs);
          expect(pipelines.length).toBeGreaterThan(least);
        },
        TIMEOUT_MS,
      );
    }
  });
} else {
  it('is about the pipelines of WebGPU', () => expect(tf.getBackend()).not.toBe('webgpu'));
}
