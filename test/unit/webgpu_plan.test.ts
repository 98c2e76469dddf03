import { MOST_SPLIT_GROUPS, type Plan, type PlanDevice, plan } from '../../src/backends/webgpu/plan.ts';

const powerOfTwo = (n: number) => Number.isInteger(Math.log2(n));

const GPU: PlanDevice = { isSoftware: false, hasSubgroups: true, mostThreads: 1024 };
const SMALL_GPU: PlanDevice = { isSoftware: false, hasSubgroups: false, mostThreads: 256 };
const SOFTWARE: PlanDevice = { isSoftware: true, hasSubgroups: false, mostThreads: 256 };
const OPEN = { lanes: 0, parts: 0, inputs: null };

const planFor = (rows: number, classes: number, device: PlanDevice, asked = {}): Plan =>
  plan({ rows, classes, device, asked: { ...OPEN, ...asked } });

describe('the plan of a WebGPU dispatch', () => {
  for (const [name, device] of Object.entries({ GPU, SMALL_GPU, SOFTWARE })) {
    for (const classes of [
      1, 2, 10, 21, 23, 24, 100, 1000, 1001, 4096, 4097, 16_384, 32_000, 50_257, 262_144,
    ]) {
      it(`${classes} classes on ${name}: what the kernel and the device rely on`, () => {
        for (const rows of [1, 8, 64, 70_000]) {
          const { lanes, workgroup, vectors, isResident, parts, tile, inputs } = planFor(
            rows,
            classes,
            device,
          );
          expect([powerOfTwo(lanes), powerOfTwo(workgroup)]).toEqual([true, true]);
          expect(lanes).toBeLessThanOrEqual(workgroup);
          expect(workgroup).toBeLessThanOrEqual(device.mostThreads);
          expect(vectors).toBeLessThanOrEqual(4);
          expect(isResident).toBe(parts === 1 && classes <= 4 * lanes * vectors);
          if (inputs === 'vec4') expect(classes % 4).toBe(0);
          if (inputs === 'tile') expect(lanes).toBe(1);
          // Two tiles, and a vec4 of each thread or each subgroup (of eight at least), in the 16 KiB that
          // every device has.
          const exchange = 16 * (device.hasSubgroups ? workgroup / 8 : workgroup);
          expect(8 * tile + exchange).toBeLessThanOrEqual(15 * 1024);
          if (parts > 1) {
            expect(lanes).toBe(workgroup); // a part is a workgroup's
            expect(parts).toBeLessThanOrEqual(lanes); // a lane takes up the statistics of a part
            expect(rows * parts).toBeLessThanOrEqual(MOST_SPLIT_GROUPS);
          }
        }
      });
    }
  }

  it('copies short rows in tiles on a GPU, a thread to a row; on a CPU a thread reads its row where it is', () => {
    expect(planFor(65_536, 10, GPU)).toMatchObject({
      inputs: 'tile',
      lanes: 1,
      workgroup: 128,
      isResident: true,
    });
    expect(planFor(65_536, 23, GPU)).toMatchObject({ inputs: 'tile', lanes: 1, workgroup: 64 });
    expect(planFor(65_536, 24, GPU)).toMatchObject({ inputs: 'vec4', lanes: 2 });
    expect(planFor(65_536, 10, SOFTWARE)).toMatchObject({ inputs: 'scalar', lanes: 1 });
  });

  it('holds middle rows in the registers of a team, so that each input is read once', () => {
    expect(planFor(65_536, 100, GPU)).toMatchObject({
      inputs: 'vec4',
      lanes: 8,
      vectors: 4,
      isResident: true,
    });
    expect(planFor(32_768, 1000, GPU)).toMatchObject({ lanes: 64, vectors: 4, isResident: true });
    expect(planFor(64, 4095, GPU)).toMatchObject({ inputs: 'scalar', lanes: 256, isResident: true });
  });

  it('streams long rows with many threads, but so few that each has registers for all it holds', () => {
    expect(planFor(8192, 32_000, GPU)).toMatchObject({
      lanes: 512,
      vectors: 4,
      isResident: false,
      parts: 1,
    });
    expect(planFor(8192, 32_000, SMALL_GPU)).toMatchObject({ lanes: 256, parts: 1 });
  });

  it('splits few long rows so that the whole device works', () => {
    expect(planFor(1, 262_144, GPU).parts).toBe(32);
    expect(planFor(8, 131_072, GPU).parts).toBe(16);
    expect(planFor(63, 32_000, GPU).parts).toBe(3);
    expect(planFor(64, 262_144, SMALL_GPU).parts).toBe(8);
    expect(planFor(64, 262_144, GPU).parts).toBe(8); // whole rows would have a third of the units work
    expect(planFor(150, 262_144, GPU).parts).toBe(3);
    expect(planFor(64, 32_000, GPU).parts).toBe(1);
    expect(planFor(192, 262_144, GPU).parts).toBe(1);
    expect(planFor(1, 262_144, SOFTWARE).parts).toBe(4);
    expect(planFor(8, 131_072, SOFTWARE).parts).toBe(1);
  });

  it('takes what is asked for, and refuses lanes that are no power of two or too many', () => {
    expect(planFor(8, 10, SOFTWARE, { lanes: 128 })).toMatchObject({ lanes: 128, workgroup: 128 });
    expect(planFor(8, 10, SOFTWARE, { inputs: 'tile' }).inputs).toBe('tile');
    expect(planFor(8, 100, SOFTWARE, { parts: 3 })).toMatchObject({ parts: 3 });
    expect(() => planFor(8, 1536, GPU, { inputs: 'tile' })).toThrow(
      /rows in a tile must have at most 1535 classes; got 1536/,
    );
    expect(() => planFor(8, 10, SOFTWARE, { lanes: 3 })).toThrow(RangeError);
    expect(() => planFor(8, 10, SOFTWARE, { lanes: 512 })).toThrow(
      /lanes must be a power of two from 1 to 256; got 512/,
    );
  });
});
