import { isSoftwareAdapter } from '../../src/backends/software_adapters.ts';
import { isSoftware, type WebGPUBackend } from '../../src/backends/webgpu/backend.ts';

/** As navigator.gpu, tfjs and WEBGL_debug_renderer_info give them. */
const SOFTWARE = {
  'SwiftShader by Dawn': 'google swiftshader SwiftShader driver 5.0.0',
  'SwiftShader by WebGL':
    'ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)',
  'lavapipe as tfjs keeps it': 'mesa software',
  'lavapipe by Dawn': 'llvmpipe: Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6) 0.0.1',
  'lavapipe by wgpu': '65541  llvmpipe (LLVM 15.0.6, 256 bits)',
  'llvmpipe by Firefox': 'llvmpipe, or similar',
  softpipe: 'softpipe',
  'WARP by Dawn': 'microsoft warp',
  'WARP by WebGL':
    'ANGLE (Microsoft, Microsoft Basic Render Driver (0x0000008C) Direct3D11 vs_5_0 ps_5_0, D3D11)',
  "Apple's": 'Apple Software Renderer',
  'a Vulkan device of type CPU': 'CPU',
};

const HARDWARE = [
  '',
  'nvidia hopper NVIDIA H200',
  'nvidia lovelace',
  'amd rdna-3 AMD Radeon RX 7900 XTX (RADV NAVI31)',
  'intel gen-12lp Intel(R) UHD Graphics (TGL GT1)',
  'apple metal-3 Apple M2',
  'qualcomm adreno-7xx',
  'ANGLE (Intel, Mesa Intel(R) UHD Graphics 620 (KBL GT2), OpenGL 4.6)',
  'ANGLE (AMD, AMD Radeon(TM) Graphics Direct3D11 vs_5_0 ps_5_0, D3D11)',
];

describe('adapters that compute on the processor', () => {
  for (const [what, name] of Object.entries(SOFTWARE))
    it(`${what}: '${name}'`, () => expect(isSoftwareAdapter(name)).toBe(true));

  for (const name of HARDWARE) it(`is a GPU: '${name}'`, () => expect(isSoftwareAdapter(name)).toBe(false));

  const backendOf = (adapterInfo: object | undefined, ofDevice: object | undefined) =>
    ({ device: { adapterInfo: ofDevice }, adapterInfo }) as unknown as WebGPUBackend;

  it('a device may say itself that it is a fallback, where nothing has a name', () => {
    const nameless = { vendor: '', architecture: '', description: '' };
    expect(isSoftware(backendOf(nameless, { ...nameless, isFallbackAdapter: true }))).toBe(true);
    expect(isSoftware(backendOf(nameless, { ...nameless, isFallbackAdapter: false }))).toBe(false);
    expect(isSoftware(backendOf(undefined, undefined))).toBe(false);
  });

  it('the names count that tfjs keeps, and those of the device', () => {
    expect(isSoftware(backendOf({ vendor: 'mesa', architecture: 'software' }, undefined))).toBe(true);
    const description = 'llvmpipe (LLVM 15.0.6, 256 bits)';
    expect(isSoftware(backendOf({ vendor: '65541', architecture: '' }, { description }))).toBe(true);
    expect(isSoftware(backendOf({ vendor: 'nvidia', architecture: 'hopper' }, {}))).toBe(false);
  });
});
