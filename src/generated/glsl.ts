// Made by scripts/embed_kernels.ts from kernels/glsl; do not edit.
