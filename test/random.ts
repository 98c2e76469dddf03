/**
 * A small seeded generator (Marsaglia's xorshift32), so that every suite sees the same numbers on every
 * backend.
 */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = (seed * 2654435761 + 1) >>> 0 || 1;
    for (let i = 0; i < 8; i++) this.uniform();
  }

  /** In (0, 1). */
  uniform(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return ((this.state >>> 0) + 0.5) / 4294967296;
  }

  /** Standard normal, by Box and Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  integer(below: number): number {
    return Math.floor(this.uniform() * below);
  }

  normals(length: number, scale = 1): Float32Array {
    return Float32Array.from({ length }, () => scale * this.normal());
  }

  /** Rows of positive numbers that sum to `mass`. */
  distributions(rows: number, classes: number, mass = 1): Float32Array {
    const values = Float32Array.from({ length: rows * classes }, () => Math.exp(2 * this.normal()));
    for (let n = 0; n < rows; n++) {
      const row = values.subarray(n * classes, (n + 1) * classes);
      const sum = row.reduce((total, value) => total + value, 0);
      for (let i = 0; i < classes; i++) row[i] *= mass / sum;
    }
    return values;
  }
}
