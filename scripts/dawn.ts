/**
 * WebGPU for Node: npm `webgpu` is Dawn, the implementation that Chromium has. A real GPU where there is one,
 * else SwiftShader.
 */
import { copyFileSync, existsSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isSoftwareAdapter } from '../src/backends/software_adapters.ts';
import { unpackChromium, whyNoChromium } from './chromium.ts';

/** Timestamps in full resolution, for benchmarks: Dawn rounds them to 100 microseconds. */
const DAWN_FLAGS = ['disable-dawn-features=timestamp_quantization'];

export interface WebGPUAdapter {
  /** As the driver names it. */
  description: string;
  /** True if a CPU stands in for the GPU, so that timings say nothing of GPUs. */
  isSoftware: boolean;
}

/**
 * Gives this process `navigator.gpu` and the WebGPU globals. To be called before
 * `@tensorflow/tfjs-backend-webgpu` is imported, which looks for them when it loads. Throws if there is
 * neither a GPU nor a software driver for this platform.
 */
export async function provideWebGPU(): Promise<WebGPUAdapter> {
  const found = await findGPU();
  if (found) return install(found);
  const reason = whyNoChromium();
  if (reason) throw new Error(`provideWebGPU: no GPU was found, and no software driver: ${reason}.`);
  const { create, globals } = await dawnWithSwiftShader();
  const gpu = create(DAWN_FLAGS);
  const adapter = await gpu.requestAdapter();
  if (adapter === null)
    throw new Error('provideWebGPU: neither a GPU nor SwiftShader gave a WebGPU adapter.');
  return install({ gpu, adapter, globals });
}

/** As provideWebGPU, with a real GPU alone; null if there is none. */
export async function provideRealGPU(): Promise<WebGPUAdapter | null> {
  const found = await findGPU();
  return found && !isSoftware(found.adapter) ? install(found) : null;
}

interface FoundGPU {
  gpu: GPU;
  adapter: GPUAdapter;
  /**
   * Of the copy of Dawn that the GPU is from: tfjs asks what is an instance of GPUBuffer, and releases
   * nothing else.
   */
  globals: object;
}

async function findGPU(): Promise<FoundGPU | null> {
  if (!hasVulkanLoader()) return null;
  const { create, globals } = await import('webgpu');
  const gpu = create(DAWN_FLAGS);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  return adapter && { gpu, adapter, globals };
}

function install({ gpu, adapter, globals }: FoundGPU): WebGPUAdapter {
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true, writable: true });
  const { description, device, architecture, vendor } = adapter.info;
  const name = [device.replace(/-$/, '') || vendor || architecture, description].filter(Boolean).join(', ');
  return { description: name, isSoftware: isSoftware(adapter) };
}

function isSoftware({ info }: GPUAdapter): boolean {
  return (
    info.isFallbackAdapter ||
    isSoftwareAdapter(`${info.device} ${info.vendor} ${info.architecture} ${info.description}`)
  );
}

/**
 * On Linux Dawn prints a warning for each adapter it cannot ask for want of the loader, so it is asked only
 * when the loader is there.
 */
function hasVulkanLoader(): boolean {
  if (process.platform !== 'linux') return true;
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1');
  } catch (error) {
    return !(error instanceof Error && error.message.includes('cannot open shared object file'));
  }
  return true;
}

/**
 * A second copy of Dawn beside SwiftShader and its Vulkan loader, which come with the packaged Chromium: Dawn
 * looks for a loader in its own folder, and LD_LIBRARY_PATH cannot change for a running process.
 */
async function dawnWithSwiftShader(): Promise<typeof import('webgpu')> {
  const folder = await unpackChromium();
  const addon = join(folder, 'dawn.node');
  if (!existsSync(addon)) {
    const partial = `${addon}.${process.pid}`;
    copyFileSync(
      resolve('node_modules', 'webgpu', 'dist', `${process.platform}-${process.arch}`, 'dawn.node'),
      partial,
    );
    renameSync(partial, addon);
  }
  process.env.VK_ICD_FILENAMES = join(folder, 'vk_swiftshader_icd.json');
  const module = { exports: {} as typeof import('webgpu') };
  process.dlopen(module, addon);
  return module.exports;
}
