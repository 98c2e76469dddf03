import { checkMutants } from './checks.ts';
import { exampleMutants } from './examples.ts';
import { glslMutants } from './glsl.ts';
import { jsMutants } from './js.ts';
import { layersMutants } from './layers.ts';
import { memoryMutants } from './memory.ts';
import type { Mutant } from './mutant.ts';
import { nodeMutants } from './node.ts';
import { opMutants } from './op.ts';
import { sparseMutants } from './sparse.ts';
import { wasmMutants } from './wasm.ts';
import { wasmTrainingMutants } from './wasm_training.ts';
import { wgslMutants } from './wgsl.ts';

export const MUTANTS: readonly Mutant[] = [
  ...opMutants,
  ...sparseMutants,
  ...checkMutants,
  ...jsMutants,
  ...wasmMutants,
  ...wasmTrainingMutants,
  ...memoryMutants,
  ...nodeMutants,
  ...layersMutants,
  ...glslMutants,
  ...wgslMutants,
  ...exampleMutants,
];
