/**
 * The part of the package for models of `@tensorflow/tfjs-layers`: a loss for `model.compile`, and a trainer.
 *
 * @module tfjs-distill/layers
 */
import '../index.ts';

export * from './core.ts';
