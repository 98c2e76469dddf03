// Made by scripts/embed_kernels.ts from kernels/wgsl; do not edit.
