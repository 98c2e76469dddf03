import { embedKernels } from '../../scripts/embed_kernels.ts';

it('src/generated is what kernels/ gives now', () => {
  expect(embedKernels({ check: true })).toEqual([]);
});
