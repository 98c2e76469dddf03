/** Stands for scripts/setup_tensorflow.ts in the archive. */
export const whyNoTensorFlow = (): string => 'TensorFlow is not in this archive';
