// Inputs with any number of classes, 4 bytes a load. Component c of a lane's vector k is class (4 k + c) LANES + lane, so that each load of a team is of
// neighbours.

@group(0) @binding(0) var<storage, read_write> result: array<f32>;
@group(0) @binding(1) var<storage, read> teacher: array<u32>;
@group(0) @binding(2) var<storage, read> student: array<u32>;

var<private> base: u32;
var<private> readEnd: u32;
var<private> writeEnd: u32;

fn stageInputs(firstRow: u32) {}

fn unstageResult(firstRow: u32) {}

fn startInputs(isRead: bool) {
  let classes = uniforms.classes;
  base = uniforms.inputStart + select(0u, row * classes, hasRow);
  readEnd = select(0u, classes, isRead);
  writeEnd = select(0u, classes, hasRow);
}

fn classesOf(k: u32) -> vec4<u32> {
  return (k * 4u + vec4(0u, 1u, 2u, 3u)) * LANES + lane;
}

fn present(k: u32) -> vec4<bool> {
  return classesOf(k) < vec4(readEnd);
}

// Beyond the row, its last class again: no branch, and no other maximum. `present` says that it does not count.
fn studentBits(k: u32) -> vec4<u32> {
  let i = base + min(classesOf(k), vec4(uniforms.classes - 1u));
  return vec4(student[i.x], student[i.y], student[i.z], student[i.w]);
}

fn givenBits(k: u32) -> vec4<u32> {
  let i = base + min(classesOf(k), vec4(uniforms.classes - 1u));
  return vec4(teacher[i.x], teacher[i.y], teacher[i.z], teacher[i.w]);
}

fn studentBitsOf(classId: u32) -> u32 {
  return student[base + classId];
}

fn writeVector(k: u32, slopes: vec4<f32>) {
  let i = classesOf(k);
  if (i.x < writeEnd) { result[base + i.x] = slopes.x; }
  if (i.y < writeEnd) { result[base + i.y] = slopes.y; }
  if (i.z < writeEnd) { result[base + i.z] = slopes.z; }
  if (i.w < writeEnd) { result[base + i.w] = slopes.w; }
}
