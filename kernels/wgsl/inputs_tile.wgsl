// Short rows, a thread to a row: the rows of a workgroup lie side by side in memory, so the workgroup copies them to its own memory and back with every
// load and store of neighbours, and each thread finds its row there. A row takes an odd number of places, or all threads would ask the same bank.
// Barriers: after the copy in; before and after the copy out.

@group(0) @binding(0) var<storage, read_write> result: array<f32>;
@group(0) @binding(1) var<storage, read> teacher: array<u32>;
@group(0) @binding(2) var<storage, read> student: array<u32>;

var<workgroup> teacherTile: array<u32, TILE>;
var<workgroup> studentTile: array<u32, TILE>;  // the gradient takes the student's place

var<private> tileBase: u32;
var<private> readEnd: u32;
var<private> writeEnd: u32;

// Where value i of the copied rows has its place. The quotient is exact: i is below 2^14 and a half from the next whole number.
fn placeOf(i: u32) -> u32 {
  let rowOfTile = u32((f32(i) + 0.5) / f32(uniforms.classes));
  return i + select(rowOfTile, 0u, uniforms.classes % 2u == 1u);
}

fn valuesFrom(firstRow: u32) -> u32 {
  return min(WORKGROUP, uniforms.rows - firstRow) * uniforms.classes;
}

fn stageInputs(firstRow: u32) {
  let start = uniforms.inputStart + firstRow * uniforms.classes;
  let values = valuesFrom(firstRow);
  for (var i = local; i < values; i += WORKGROUP) {
    let place = placeOf(i);
    teacherTile[place] = teacher[start + i];
    studentTile[place] = student[start + i];
  }
  workgroupBarrier();  // a row is copied by other threads than its own
}

fn unstageResult(firstRow: u32) {
  if (GRADIENT == 0u) {
    workgroupBarrier();  // before the next tile takes the place of this one
    return;
  }
  workgroupBarrier();  // every row has its gradient
  let start = uniforms.inputStart + firstRow * uniforms.classes;
  let values = valuesFrom(firstRow);
  for (var i = local; i < values; i += WORKGROUP) {
    result[start + i] = bitcast<f32>(studentTile[placeOf(i)]);
  }
  workgroupBarrier();  // before the next tile takes the place of this one
}

fn startInputs(isRead: bool) {
  tileBase = local * (uniforms.classes | 1u);
  readEnd = select(0u, uniforms.classes, isRead);
  writeEnd = select(0u, uniforms.classes, hasRow);
}

fn classesOf(k: u32) -> vec4<u32> {
  return k * 4u + vec4(0u, 1u, 2u, 3u);
}

fn present(k: u32) -> vec4<bool> {
  return classesOf(k) < vec4(readEnd);
}

// Beyond the row, its last class again: no branch, and no other maximum. `present` says that it does not count.
fn studentBits(k: u32) -> vec4<u32> {
  let i = tileBase + min(classesOf(k), vec4(uniforms.classes - 1u));
  return vec4(studentTile[i.x], studentTile[i.y], studentTile[i.z], studentTile[i.w]);
}

fn givenBits(k: u32) -> vec4<u32> {
  let i = tileBase + min(classesOf(k), vec4(uniforms.classes - 1u));
  return vec4(teacherTile[i.x], teacherTile[i.y], teacherTile[i.z], teacherTile[i.w]);
}

fn studentBitsOf(classId: u32) -> u32 {
  return studentTile[tileBase + classId];
}

fn writeVector(k: u32, slopes: vec4<f32>) {
  let i = classesOf(k);
  let bits = bitcast<vec4<u32>>(slopes);
  if (i.x < writeEnd) { studentTile[tileBase + i.x] = bits.x; }
  if (i.y < writeEnd) { studentTile[tileBase + i.y] = bits.y; }
  if (i.z < writeEnd) { studentTile[tileBase + i.z] = bits.z; }
  if (i.w < writeEnd) { studentTile[tileBase + i.w] = bits.w; }
}
