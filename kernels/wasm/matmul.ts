/**
 * C = A B or C += A B in float32 with 128-bit SIMD, A [m, k] and B [k, n] with any strides: a transposed
 * operand is one with other strides.
 *
 * Blocked after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008. A block of
 * B, KC x NC, is packed into panels of 8 columns, a block of A, MC x KC, into panels of 4 rows, so that what
 * a tile reads lies in order. A tile is 4 x 8 sums of C, which stay in 8 registers while k runs over the
 * block. (Twelve registers, a tile of 6 x 8, are more than V8 has for them: half the speed.) What pads a
 * panel is 0 and meets only sums that are not kept, so NaN and infinities go where they belong.
 *
 * A is read once for each NC columns, B once, C read and written once for each KC of k. A sum runs in order
 * over KC products, and the sums of blocks are added one after another, so its error grows with KC + k / KC
 * and not with k. Up to KC products it has the bits of a plain loop over k.
 * Nothing is allocated, and no memory is touched but what the pointers say, so the module may run on a
 * foreign heap. A and B must not overlap C or the room.
 *
 * FUSED, which scripts/embed_kernels.ts gives, is 1 where a product is not rounded before it is added
 * (relaxed SIMD): faster by a quarter, and rounds less.
 * Measured on an AMD EPYC, one thread, [128, 512] x [512, 512]: 40 GFLOPS, 51 fused; XNNPACK as tfjs 4.22 has
 * it 30, tfjs with a transposed operand 0.3 to 0.9.
 */

/** Rows and columns of a tile. */
const MR: usize = 4;
const NR: usize = 8;
/**
 * A panel of B, KC x NR, stays in the first-level cache, the block of A in the second, that of B in the last.
 */
const KC: usize = 256;
const MC: usize = 96;
const NC: usize = 512;

/** Where the room holds a tile that C has no place for, and the blocks of A and B. */
const A_AT: usize = 4 * MR * NR;
const B_AT: usize = A_AT + 4 * MC * KC;

/** Bytes of `room`. */
export function roomBytes(): usize {
  return B_AT + 4 * KC * NC;
}

/** Strides are in bytes. Rows of C are contiguous. */
export function matmul(
  m: usize,
  n: usize,
  k: usize,
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  bColumn: usize,
  c: usize,
  accumulate: bool,
  room: usize,
): void {
  const packedA = room + A_AT;
  const packedB = room + B_AT;
  const cRow = n << 2;
  for (let column: usize = 0; column < n; column += NC) {
    const columns = min(NC, n - column);
    for (let depth: usize = 0; depth < k; depth += KC) {
      const depths = min(KC, k - depth);
      const add = accumulate || depth > 0;
      pack(b + depth * bRow + column * bColumn, bColumn, bRow, columns, depths, packedB, NR);
      for (let row: usize = 0; row < m; row += MC) {
        const rows = min(MC, m - row);
        pack(a + row * aRow + depth * aColumn, aRow, aColumn, rows, depths, packedA, MR);
        block(rows, columns, depths, packedA, packedB, c + row * cRow + 4 * column, cRow, add, room);
      }
    }
  }
}

/**
 * Packs `count` lines (rows of A, columns of B) of `depths` numbers into panels of `width` lines, in which
 * the numbers of all lines at one depth lie together. `step` is from line to line, `stride` from depth to
 * depth.
 */
function pack(
  from: usize,
  step: usize,
  stride: usize,
  count: usize,
  depths: usize,
  to: usize,
  width: usize,
): void {
  const panelBytes = width * depths * 4;
  for (let line: usize = 0; line < count; line += width) {
    const lines = min(width, count - line);
    if (lines < width) memory.fill(to, 0, panelBytes);
    if (step == 4) packDepths(from, stride, lines, depths, to, width);
    else packLines(from, step, stride, lines, depths, to, width);
    from += step * width;
    to += panelBytes;
  }
}

/** Lines lie beside each other: one depth is copied after another. */
function packDepths(from: usize, stride: usize, lines: usize, depths: usize, to: usize, width: usize): void {
  const toStep = width * 4;
  const end = to + depths * toStep;
  if (lines == NR) {
    for (; to < end; to += toStep, from += stride) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    }
  } else if (lines == MR) {
    for (; to < end; to += toStep, from += stride) v128.store(to, v128.load(from));
  } else {
    for (; to < end; to += toStep, from += stride) {
      for (let i: usize = 0; i < 4 * lines; i += 4) store<u32>(to + i, load<u32>(from + i));
    }
  }
}

/** Each line lies in order: four lines at a time are transposed, four depths at a time. */
function packLines(
  from: usize,
  step: usize,
  stride: usize,
  lines: usize,
  depths: usize,
  to: usize,
  width: usize,
): void {
  const toStep = width * 4;
  let line: usize = 0;
  if (stride == 4) {
    for (; line + 4 <= lines; line += 4) {
      packFour(from + line * step, step, depths, to + 4 * line, toStep);
    }
  }
  for (; line < lines; line++) {
    let source = from + line * step;
    let target = to + 4 * line;
    for (let depth: usize = 0; depth < depths; depth++) {
      store<u32>(target, load<u32>(source));
      source += stride;
      target += toStep;
    }
  }
}

function packFour(from: usize, step: usize, depths: usize, to: usize, toStep: usize): void {
  let depth: usize = 0;
  for (; depth + 4 <= depths; depth += 4) {
    const x0 = v128.load(from);
    const x1 = v128.load(from + step);
    const x2 = v128.load(from + 2 * step);
    const x3 = v128.load(from + 3 * step);
    const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
    const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    v128.store(to + toStep, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
    v128.store(to + 2 * toStep, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
    v128.store(to + 3 * toStep, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
    from += 16;
    to += 4 * toStep;
  }
  for (; depth < depths; depth++) {
    for (let line: usize = 0; line < 4; line++) store<u32>(to + 4 * line, load<u32>(from + line * step));
    from += 4;
    to += toStep;
  }
}

/** The sums of one packed block of A with one of B. */
function block(
  rows: usize,
  columns: usize,
  depths: usize,
  packedA: usize,
  packedB: usize,
  c: usize,
  cRow: usize,
  add: bool,
  room: usize,
): void {
  const panelA = MR * depths * 4;
  const panelB = NR * depths * 4;
  for (let column: usize = 0; column < columns; column += NR, packedB += panelB) {
    const isWide = column + NR <= columns;
    let panel = packedA;
    for (let row: usize = 0; row < rows; row += MR, panel += panelA) {
      const to = c + row * cRow + 4 * column;
      if (isWide && row + MR <= rows) {
        tile(panel, packedB, packedB + panelB, to, cRow, add);
      } else {
        tile(panel, packedB, packedB + panelB, room, 4 * NR, false);
        copyTile(room, min(MR, rows - row), min(NR, columns - column), to, cRow, add);
      }
    }
  }
}

/** The part of a tile that C has. */
function copyTile(from: usize, rows: usize, columns: usize, c: usize, cRow: usize, add: bool): void {
  for (let row: usize = 0; row < rows; row++, from += 4 * NR, c += cRow) {
    for (let column: usize = 0; column < 4 * columns; column += 4) {
      const sum = load<f32>(from + column);
      store<f32>(c + column, add ? load<f32>(c + column) + sum : sum);
    }
  }
}

// @ts-ignore: decorator
@inline
function multiplyAdd(x: v128, y: v128, sum: v128): v128 {
  return FUSED ? f32x4.relaxed_madd(x, y, sum) : f32x4.add(sum, f32x4.mul(x, y));
}

// @ts-ignore: decorator
@inline
function put(c: usize, low: v128, high: v128, add: bool): void {
  if (add) {
    low = f32x4.add(v128.load(c), low);
    high = f32x4.add(v128.load(c, 16), high);
  }
  v128.store(c, low);
  v128.store(c, high, 16);
}

/** 4 x 8 sums, eight vectors, over one panel of A and one of B. */
function tile(a: usize, b: usize, bEnd: usize, c: usize, cRow: usize, add: bool): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  do {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a);
    c00 = multiplyAdd(x, b0, c00);
    c01 = multiplyAdd(x, b1, c01);
    x = v128.load_splat<f32>(a, 4);
    c10 = multiplyAdd(x, b0, c10);
    c11 = multiplyAdd(x, b1, c11);
    x = v128.load_splat<f32>(a, 8);
    c20 = multiplyAdd(x, b0, c20);
    c21 = multiplyAdd(x, b1, c21);
    x = v128.load_splat<f32>(a, 12);
    c30 = multiplyAdd(x, b0, c30);
    c31 = multiplyAdd(x, b1, c31);
    a += 4 * MR;
    b += 4 * NR;
  } while (b < bEnd);
  put(c, c00, c01, add);
  put(c + cRow, c10, c11, add);
  put(c + 2 * cRow, c20, c21, add);
  put(c + 3 * cRow, c30, c31, add);
}
