import { chooseWorkloads, WORKLOADS, workloadOfShape } from '../../benchmarks/workloads.ts';

const everything = { quick: false, shapes: [], maxBytes: Number.POSITIVE_INFINITY };
const shapesOf = (workloads: readonly { rows: number; classes: number }[]) =>
  workloads.map(({ rows, classes }) => `${rows}x${classes}`);

describe('the workloads', () => {
  it('have every shape that the claims are about', () => {
    const claimed =
      '64x32000 8x131072 4096x10 256x1000 128x10 1x2 65536x100 65536x10 8192x32000 4096x131072 32768x1000 64x262144';
    expect(shapesOf(WORKLOADS)).toEqual(expect.arrayContaining(claimed.split(' ')));
  });

  it('have every set of classes that people distil', () => {
    const classes = new Set(WORKLOADS.map((workload) => workload.classes));
    for (const known of [10, 21, 100, 1000, 21841, 32000, 50257, 128256, 262144])
      expect(classes.has(known)).toBe(true);
  });

  it('have names and sources, and no shape twice', () => {
    expect(new Set(shapesOf(WORKLOADS)).size).toBe(WORKLOADS.length);
    expect(new Set(WORKLOADS.map(({ name }) => name)).size).toBe(WORKLOADS.length);
    expect(WORKLOADS.every(({ source }) => source.length > 0)).toBe(true);
  });
});

describe('the choice of workloads', () => {
  it('is all of them on a GPU that can hold them', () => {
    expect(chooseWorkloads({ ...everything, machine: 'gpu' })).toEqual(WORKLOADS);
  });

  it('leaves out what a device cannot hold', () => {
    const chosen = chooseWorkloads({ ...everything, machine: 'gpu', maxBytes: 2 ** 28 });
    expect(chosen.length).toBeLessThan(WORKLOADS.length);
    expect(chosen.every(({ rows, classes }) => rows * classes * 4 <= 2 ** 28)).toBe(true);
  });

  it('keeps the four shapes of the claims about software adapters and processors', () => {
    for (const machine of ['software', 'cpu'] as const) {
      const chosen = shapesOf(chooseWorkloads({ ...everything, machine }));
      for (const shape of ['64x32000', '8x131072', '4096x10', '256x1000', '1x2'])
        expect(chosen).toContain(shape);
      expect(chosen).not.toContain('8192x32000');
    }
  });

  it('is a few when there is little time, for every machine', () => {
    for (const machine of ['gpu', 'software', 'cpu'] as const) {
      const chosen = chooseWorkloads({ ...everything, machine, quick: true });
      expect(chosen.length).toBeGreaterThanOrEqual(3);
      expect(chosen.length).toBeLessThanOrEqual(5);
    }
  });

  it('is what was asked for, whatever its size', () => {
    const chosen = chooseWorkloads({ ...everything, machine: 'cpu', shapes: ['8192x32000', '[3, 7]'] });
    expect(shapesOf(chosen)).toEqual(['8192x32000', '3x7']);
    expect(chosen[0].name).toBe('Llama 2, 8,192 tokens');
  });

  it('refuses what is not a shape', () => {
    for (const shape of ['', '64', '0x10', '64x', 'ax3', '1x2x3', '-1x2'])
      expect(() => workloadOfShape(shape)).toThrow(RangeError);
  });
});
