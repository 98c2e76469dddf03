enable subgroups;
diagnostic(off, subgroup_uniformity);  // all threads reach each function; the analysis cannot see it through the loops over rows

// How the lanes of a team agree where the device has subgroups: by shuffles within a subgroup, through workgroup memory between the subgroups of a team.
// The threads of a subgroup are taken to follow each other in the workgroup, as they do on every driver for workgroups of one dimension.
// Barriers: two in each function if a team can be wider than a subgroup, else none; reached by all threads of the workgroup.

override SHARES: u32 = max(1u, WORKGROUP / min(MIN_SUBGROUP, WORKGROUP));

var<workgroup> shares: array<vec4<f32>, SHARES>;
var<private> subgroupThreads: u32;

fn startTeam() {
  subgroupThreads = subgroupAdd(1u);
}

fn maxWithin(value: vec4<f32>, width: u32) -> vec4<f32> {
  var total = value;
  for (var step = 1u; step < width; step *= 2u) {
    total = max(total, subgroupShuffleXor(total, step));
  }
  return total;
}

fn sumWithin(value: vec4<f32>, width: u32) -> vec4<f32> {
  var total = value;
  for (var step = 1u; step < width; step *= 2u) {
    total += subgroupShuffleXor(total, step);
  }
  return total;
}

fn teamMax(value: vec4<f32>) -> vec4<f32> {
  if (LANES <= MIN_SUBGROUP) {
    return maxWithin(value, LANES);
  }
  let width = min(LANES, subgroupThreads);
  let share = maxWithin(value, width);
  if (local % width == 0u) {
    shares[local / width] = share;
  }
  workgroupBarrier();  // every subgroup has written
  let first = (local - lane) / width;
  var total = shares[first];
  for (var i = 1u; i < LANES / width; i++) {
    total = max(total, shares[first + i]);
  }
  workgroupBarrier();  // before the next value is written over this one
  return total;
}

fn sumAcross(value: vec4<f32>, threads: u32, first: u32) -> vec4<f32> {
  let width = min(threads, subgroupThreads);
  let share = sumWithin(value, width);
  if (local % width == 0u) {
    shares[local / width] = share;
  }
  workgroupBarrier();
  var total = shares[first / width];
  for (var i = 1u; i < threads / width; i++) {
    total += shares[first / width + i];
  }
  workgroupBarrier();
  return total;
}

fn teamSum(value: vec4<f32>) -> vec4<f32> {
  if (LANES <= MIN_SUBGROUP) {
    return sumWithin(value, LANES);
  }
  return sumAcross(value, LANES, local - lane);
}

// Over all threads, in an order that does not change from run to run.
fn workgroupSum(value: vec4<f32>) -> vec4<f32> {
  return sumAcross(value, WORKGROUP, 0u);
}
