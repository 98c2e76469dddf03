export { type CpuBackendParts, rowPass } from './cpu/index.ts';
