import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** kernels/wasm/vectors.ts by itself: 2^y over an array. */
const SOURCE = `
  import { exp2 } from '../../kernels/wasm/vectors';
  export function exp2Of(at: usize, count: i32): void {
    for (const end = at + (<usize>count << 2); at < end; at += 16) v128.store(at, exp2(v128.load(at)));
  }`;

const BLOCK = 1 << 16;
const floats = new Float32Array(BLOCK);

function compile(): (values: Float32Array) => Float32Array {
  const folder = resolve('.cache', 'wasm_exp');
  mkdirSync(folder, { recursive: true });
  const [source, output] = [join(folder, 'exp2.ts'), join(folder, 'exp2.wasm')];
  writeFileSync(source, SOURCE);
  const asc = resolve('node_modules', 'assemblyscript', 'bin', 'asc.js');
  const options = ['--runtime', 'stub', '--enable', 'simd', '--noAssert', '--optimizeLevel', '3'];
  execFileSync(process.execPath, [asc, source, '--outFile', output, ...options], { stdio: 'inherit' });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(output)), {});
  const { exp2Of, memory } = exports as WebAssembly.Exports & {
    exp2Of(at: number, count: number): void;
    memory: WebAssembly.Memory;
  };
  const at = 1024;
  memory.grow(Math.max(0, Math.ceil((at + 4 * BLOCK - memory.buffer.byteLength) / 65536)));
  const shared = new Float32Array(memory.buffer, at, BLOCK);
  return (values) => {
    shared.set(values);
    exp2Of(at, BLOCK);
    return shared;
  };
}

/** The distance of float32 numbers at x. */
function ulp(x: number): number {
  return 2 ** (Math.floor(Math.log2(x)) - 23);
}

describe('exp of the SIMD kernel', () => {
  const exp2 = compile();

  it('2^y is within 2 units in the last place for y in (-125.5, 0], every 997th float32 tried', () => {
    const bits = new Uint32Array(floats.buffer);
    const [first, last] = new Uint32Array(Float32Array.of(-1e-30, -125.49999).buffer);
    let worst = { error: 0, at: 0 };
    for (let next = first; next < last; ) {
      for (let i = 0; i < BLOCK; i++, next += 997) bits[i] = Math.min(next, last);
      const powers = exp2(floats);
      for (let i = 0; i < BLOCK; i++) {
        const truth = 2 ** floats[i];
        const error = Math.abs(powers[i] - truth) / ulp(truth);
        if (!(error <= worst.error)) worst = { error, at: floats[i] };
      }
    }
    if (!(worst.error <= 2)) throw new Error(`${worst.error} ulp at y = ${worst.at}`); // 1.94 measured
  });

  it('a term exp(x), x in [-87, 0], is off by 1.5e-7 of the largest term at most, the rounding of x log2(e) included', () => {
    let worst = 0;
    for (let k = 0; k < 8; k++) {
      for (let i = 0; i < BLOCK; i++) {
        const x = Math.fround((-87 * (k * BLOCK + i)) / (8 * BLOCK));
        floats[i] = Math.fround(x * Math.fround(Math.LOG2E)); // as the kernel: T = 1
      }
      const powers = exp2(floats);
      for (let i = 0; i < BLOCK; i++) {
        const x = Math.fround((-87 * (k * BLOCK + i)) / (8 * BLOCK));
        const error = Math.abs(powers[i] - Math.exp(x));
        if (!(error <= worst)) worst = error;
      }
    }
    expect(worst).toBeLessThanOrEqual(1.5e-7); // 1.21e-7 measured
  });

  it('0 is exactly 1, below e^-87 is exactly 0, NaN stays NaN', () => {
    floats.fill(0).set([0, -125.5, -1e6, -Infinity, Number.NaN]);
    expect([...exp2(floats).subarray(0, 5)]).toEqual([1, 0, 0, 0, Number.NaN]);
  });
});
