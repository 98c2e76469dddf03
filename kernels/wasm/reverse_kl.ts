/**
 * RKL of MATH (5), KL(q || p): it is `kl` with teacher and student exchanged, and so are its gradients. What
 * is its own is the gradient to probabilities that are used as they are.
 */
import { lanes, TO_U, TO_W } from './lanes';

/** -q/p, which is -toW w/(toU u) here, and 0 where q = 0: MATH (11). */
export function writeQuotients(u: usize, w: usize, gradient: usize, bytes: usize): void {
  const cu = v128.load(lanes, TO_U);
  const cw = v128.load(lanes, TO_W);
  for (const end = u + bytes; u < end; u += 16) {
    const wi = f32x4.mul(v128.load(w), cw);
    const slope = f32x4.neg(f32x4.div(wi, f32x4.mul(v128.load(u), cu)));
    v128.store(gradient, v128.and(slope, f32x4.ne(wi, f32x4.splat(0))));
    w += 16;
    gradient += 16;
  }
}
