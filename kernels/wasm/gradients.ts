/** What is written of a row once its sums are known. Every function takes `n` classes, a multiple of 16; outputs may lie over inputs. */

/** toU u - toW w: MATH (3), (4). */
export function writeDifference(u: usize, w: usize, gradient: usize, n: i32, toU: f32, toW: f32): void {
  const cu = f32x4.splat(toU);
  const cw = f32x4.splat(toW);
  for (const end = u + (<usize>n << 2); u < end; u += 32) {
    const g0 = f32x4.sub(f32x4.mul(v128.load(u), cu), f32x4.mul(v128.load(w), cw));
    const g1 = f32x4.sub(f32x4.mul(v128.load(u, 16), cu), f32x4.mul(v128.load(w, 16), cw));
    v128.store(gradient, g0);
    v128.store(gradient, g1, 16);
    w += 32;
    gradient += 32;
  }
}

/** toW w (e - s), e = expm1(y): MATH (23), with toW that holds 1/(1 + s). */
export function writeNearDifference(e: usize, w: usize, gradient: usize, n: i32, s: f32, toW: f32): void {
  const mean = f32x4.splat(s);
  const cw = f32x4.splat(toW);
  for (const end = e + (<usize>n << 2); e < end; e += 32) {
    const g0 = f32x4.mul(f32x4.mul(v128.load(w), cw), f32x4.sub(v128.load(e), mean));
    const g1 = f32x4.mul(f32x4.mul(v128.load(w, 16), cw), f32x4.sub(v128.load(e, 16), mean));
    v128.store(gradient, g0);
    v128.store(gradient, g1, 16);
    w += 32;
    gradient += 32;
  }
}

/** toW w (mean - x), 0 where w = 0: MATH (7), (8). */
export function writeToTeacher(x: usize, w: usize, gradient: usize, n: i32, mean: f32, toW: f32): void {
  for (const end = x + (<usize>n << 2); x < end; x += 16) {
    const wi = v128.load(w);
    const slope = f32x4.mul(f32x4.mul(wi, f32x4.splat(toW)), f32x4.sub(f32x4.splat(mean), v128.load(x)));
    v128.store(gradient, v128.and(slope, f32x4.ne(wi, f32x4.splat(0))));
    w += 16;
    gradient += 16;
  }
}

/** Adds toR r - toLabel y - constant: MATH (2). With `labelStep` 0 one vector of labels serves all classes. */
export function addHardGradient(
  r: usize,
  labels: usize,
  labelStep: usize,
  gradient: usize,
  n: i32,
  toR: f32,
  toLabel: f32,
  constant: f32,
): void {
  for (const end = r + (<usize>n << 2); r < end; r += 16) {
    const target = f32x4.add(f32x4.mul(v128.load(labels), f32x4.splat(toLabel)), f32x4.splat(constant));
    const slope = f32x4.sub(f32x4.mul(v128.load(r), f32x4.splat(toR)), target);
    v128.store(gradient, f32x4.add(v128.load(gradient), slope));
    labels += labelStep;
    gradient += 16;
  }
}
