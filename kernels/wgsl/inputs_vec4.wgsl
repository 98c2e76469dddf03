// Inputs whose classes are a multiple of four, 16 bytes a load. Lane k of a team takes the vectors k, k + LANES, ..., so that a team reads neighbours
// together. `k` below counts a lane's vectors.

@group(0) @binding(0) var<storage, read_write> result: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> teacher: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> student: array<vec4<u32>>;

var<private> base: u32;
var<private> lastVector: u32;
var<private> readEnd: u32;
var<private> writeEnd: u32;

fn stageInputs(firstRow: u32) {}

fn unstageResult(firstRow: u32) {}

fn startInputs(isRead: bool) {
  let vectors = uniforms.classes / 4u;
  base = uniforms.inputStart + select(0u, row * vectors, hasRow);
  lastVector = vectors - 1u;
  readEnd = select(0u, vectors, isRead);
  writeEnd = select(0u, vectors, hasRow);
}

fn present(k: u32) -> vec4<bool> {
  return vec4(k * LANES + lane < readEnd);
}

fn classesOf(k: u32) -> vec4<u32> {
  return (k * LANES + lane) * 4u + vec4(0u, 1u, 2u, 3u);
}

// Beyond the row, its last vector again: no branch, and no other maximum. `present` says that it does not count.
fn studentBits(k: u32) -> vec4<u32> {
  return student[base + min(k * LANES + lane, lastVector)];
}

fn givenBits(k: u32) -> vec4<u32> {
  return teacher[base + min(k * LANES + lane, lastVector)];
}

fn studentBitsOf(classId: u32) -> u32 {
  return student[base + classId / 4u][classId % 4u];
}

fn writeVector(k: u32, slopes: vec4<f32>) {
  let i = k * LANES + lane;
  if (i < writeEnd) {
    result[base + i] = slopes;
  }
}
