import { plan } from '../../src/backends/webgpu/plan.ts';

const powerOfTwo = (n: number) => Number.isInteger(Math.log2(n));

describe('the plan of a WebGPU dispatch', () => {
  for (const isSoftware of [true, false]) {
    for (const classes of [1, 2, 10, 100, 1000, 32_000, 262_144]) {
      for (const rows of [1, 64, 70_000]) {
        it(`[${rows}, ${classes}] on ${isSoftware ? 'software' : 'a GPU'}: powers of two, no more threads than a workgroup may have`, () => {
          const { lanes, workgroup } = plan({ rows, classes, isSoftware, lanes: 0 });
          expect([powerOfTwo(lanes), powerOfTwo(workgroup)]).toEqual([true, true]);
          expect(lanes).toBeLessThanOrEqual(workgroup);
          expect(workgroup).toBeLessThanOrEqual(256);
        });
      }
    }
  }

  it('gives a short row few threads, so that none is idle for want of classes', () => {
    expect(plan({ rows: 65_536, classes: 10, isSoftware: false, lanes: 0 }).lanes).toBeLessThanOrEqual(4);
    expect(plan({ rows: 65_536, classes: 10, isSoftware: true, lanes: 0 }).lanes).toBe(1);
  });

  it('gives a long row on a GPU a whole workgroup', () => {
    expect(plan({ rows: 8, classes: 131_072, isSoftware: false, lanes: 0 })).toEqual({
      lanes: 256,
      workgroup: 256,
    });
  });

  it('takes lanes that are asked for, and refuses what is no power of two', () => {
    expect(plan({ rows: 8, classes: 10, isSoftware: true, lanes: 128 }).lanes).toBe(128);
    expect(() => plan({ rows: 8, classes: 10, isSoftware: true, lanes: 3 })).toThrow(RangeError);
    expect(() => plan({ rows: 8, classes: 10, isSoftware: true, lanes: 512 })).toThrow(
      /lanes must be a power of two from 1 to 256; got 512/,
    );
  });
});
