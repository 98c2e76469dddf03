/** `node --import` of this gives a program WebGPU before its first line. */
import { provideWebGPU } from '../../scripts/dawn.ts';

await provideWebGPU();
