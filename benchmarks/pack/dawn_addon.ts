/** Stands for the package `webgpu` in the archive: the same addon, from where the archive has it. */
import { join } from 'node:path';

const addon = { exports: {} as typeof import('webgpu') };
process.dlopen(addon, join(__dirname, '..', 'dawn', 'dawn.node'));

export const { create, globals } = addon.exports;
