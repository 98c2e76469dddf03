/** Where the compilers for NVIDIA's GPUs lie that `npm run setup:compilers` brings. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ENGINES } from './engines.ts';

/** Files of PyPI that are unpacked, by the digest of each. Slang's compiler comes within slangpy. */
export const NVIDIA_PACKAGES = {
  'slangpy==0.43.1': 'sha256:965dbbd1d907c90e17027945780146a67c66baf766f3d0b8af3f52ea2c4a8eb9',
  'nvidia-cuda-nvrtc==13.5.37': 'sha256:86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc',
  'nvidia-cuda-cuobjdump==13.5.37': 'sha256:38780fee50863252a0b8926357faa91615ca1c8346490563f33a06100cd73f58',
  'nvidia-cuda-nvdisasm==13.5.37': 'sha256:d3fdbdd49fa53e2e4aacd3db8259d052bd2b049ececdcb69e92e083c6728e7ca',
} as const;

/** As the table names them. */
export const NVIDIA_COMPILERS = 'NVRTC 13.5.37, after Slang 2026.12 and naga';

export const NVIDIA = join(ENGINES, 'nvidia-13.5.37');
const PROGRAMS = join(NVIDIA, 'nvidia', 'cu13', 'bin');

export const LIBSLANG = join(NVIDIA, 'slangpy', 'libslang-compiler.so.0.2026.12');
export const LIBNVRTC = join(NVIDIA, 'nvidia', 'cu13', 'lib', 'libnvrtc.so.13');
export const CUOBJDUMP = join(PROGRAMS, 'cuobjdump');
export const NVDISASM = join(PROGRAMS, 'nvdisasm');

export const whyNoNvidia = () =>
  existsSync(NVIDIA)
    ? null
    : "NVIDIA's compiler is not there; `npm run setup:compilers` brings it, on Linux for x64";
