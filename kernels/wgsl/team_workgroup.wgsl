// How the lanes of a team agree, through workgroup memory: for devices without subgroups.
// Barriers: two in each function, reached by all threads of the workgroup.

// A lane can read so many values itself before the waiting outweighs a second step.
override FAN: u32 = min(LANES, 16u);
// A length has a name of its own: the browsers that compile WGSL with naga (Firefox, Deno) crash on an expression in its place where overrides make
// the array unreachable.
override GROUPS: u32 = WORKGROUP / LANES * FAN;

var<workgroup> ofLanes: array<vec4<f32>, WORKGROUP>;
var<workgroup> ofGroups: array<vec4<f32>, GROUPS>;

fn startTeam() {}

fn teamMax(value: vec4<f32>) -> vec4<f32> {
  if (LANES == 1u) {
    return value;
  }
  let first = local - lane;
  ofLanes[local] = value;
  workgroupBarrier();  // every lane has written
  if (LANES > FAN) {
    if (lane < FAN) {
      var most = ofLanes[first + lane];
      for (var i = lane + FAN; i < LANES; i += FAN) {
        most = max(most, ofLanes[first + i]);
      }
      ofGroups[local / LANES * FAN + lane] = most;
    }
    workgroupBarrier();  // every group is complete
    var total = ofGroups[local / LANES * FAN];
    for (var i = 1u; i < FAN; i++) {
      total = max(total, ofGroups[local / LANES * FAN + i]);
    }
    return total;
  }
  var total = ofLanes[first];
  for (var i = 1u; i < LANES; i++) {
    total = max(total, ofLanes[first + i]);
  }
  workgroupBarrier();  // before the next value is written over this one
  return total;
}

fn teamSum(value: vec4<f32>) -> vec4<f32> {
  if (LANES == 1u) {
    return value;
  }
  let first = local - lane;
  ofLanes[local] = value;
  workgroupBarrier();
  if (LANES > FAN) {
    if (lane < FAN) {
      var part = ofLanes[first + lane];
      for (var i = lane + FAN; i < LANES; i += FAN) {
        part += ofLanes[first + i];
      }
      ofGroups[local / LANES * FAN + lane] = part;
    }
    workgroupBarrier();
    var total = ofGroups[local / LANES * FAN];
    for (var i = 1u; i < FAN; i++) {
      total += ofGroups[local / LANES * FAN + i];
    }
    return total;
  }
  var total = ofLanes[first];
  for (var i = 1u; i < LANES; i++) {
    total += ofLanes[first + i];
  }
  workgroupBarrier();
  return total;
}

// Over all threads, in an order that does not change from run to run.
fn workgroupSum(value: vec4<f32>) -> vec4<f32> {
  if (WORKGROUP == 1u) {
    return value;
  }
  workgroupBarrier();  // before what a team may still read is written over
  ofLanes[local] = value;
  workgroupBarrier();
  for (var step = WORKGROUP / 2u; step > 0u; step /= 2u) {
    if (local < step) {
      ofLanes[local] += ofLanes[local + step];
    }
    workgroupBarrier();
  }
  return ofLanes[0];
}
