// The losses of the rows, and their sum in the same dispatch. Each workgroup leaves the sum of its rows in a slot of `scratch` and counts itself; the last
// to finish adds up the slots in their order, so that the sum does not depend on who is last, and puts slots and counter back to 0 for the next dispatch.
//
// WGSL orders nothing between two atomics of different workgroups: the counter may be seen before a slot. So a slot says itself whether it is there:
// it holds the complement of a value's bits, which is 0 for no value that is written, and the last workgroup looks until it is not 0. The store came
// before the count in its workgroup, so nobody waits for a workgroup that has not run.
//
// A sum in one dispatch runs whole or not at all, and uses the device's `scratch`. One in several dispatches has a `scratch` of its own: were one of them
// dropped, by a failed validation or a lost pipeline, what the others leave there would end up in the sums that follow.
// Barriers: those of `workgroupSum`, and one to learn who is last; reached by all threads.

const COUNTER = 0u;
const FIRST_SLOT = 1u;

// A sum as (finite part, NaNs, infinities, minus infinities), so that no arithmetic meets what is not finite.
var<private> lossSum: vec4<f32>;
var<workgroup> isLast: u32;

fn outcomeOf(bits: u32) -> vec4<f32> {
  if (bits == NAN_BITS) { return vec4(0.0, 1.0, 0.0, 0.0); }
  if (bits == INFINITY_BITS) { return vec4(0.0, 0.0, 1.0, 0.0); }
  if (bits == MINUS_INFINITY_BITS) { return vec4(0.0, 0.0, 0.0, 1.0); }
  return vec4(bitcast<f32>(bits), 0.0, 0.0, 0.0);
}

fn bitsOf(sum: vec4<f32>) -> u32 {
  if (sum.y > 0.0 || (sum.z > 0.0 && sum.w > 0.0)) { return NAN_BITS; }
  if (sum.z > 0.0) { return INFINITY_BITS; }
  if (sum.w > 0.0) { return MINUS_INFINITY_BITS; }
  return bitcast<u32>(sum.x);
}

// In lane 0 of each team.
fn writeLoss(bits: u32) {
  if (REDUCES) {
    lossSum += outcomeOf(bits);
  } else {
    losses[uniforms.firstRow + row] = bits;
  }
}

// Nobody waits for ever: where a slot stays empty although all have counted themselves, the sum is NaN. Looks are counted for all slots of a lane.
const MOST_LOOKS = 65536u;
var<private> looks: u32;

fn takeSlot(slot: u32) -> u32 {
  var complement = atomicExchange(&scratch[FIRST_SLOT + slot], 0u);
  while (complement == 0u && looks < MOST_LOOKS) {
    looks += 1u;
    complement = atomicExchange(&scratch[FIRST_SLOT + slot], 0u);
  }
  return select(~complement, NAN_BITS, complement == 0u);
}

fn reduceLosses(groupIndex: u32) {
  if (!REDUCES) {
    return;
  }
  let ofGroup = workgroupSum(lossSum);
  if (local == 0u) {
    atomicStore(&scratch[FIRST_SLOT + uniforms.firstGroup + groupIndex], ~bitsOf(ofGroup));
    isLast = select(0u, 1u, atomicAdd(&scratch[COUNTER], 1u) == uniforms.allGroups - 1u);
  }
  if (workgroupUniformLoad(&isLast) == 0u) {
    return;
  }
  var sum = vec4(0.0);
  for (var slot = local; slot < uniforms.allGroups; slot += WORKGROUP) {
    sum += outcomeOf(takeSlot(slot));
  }
  let total = workgroupSum(sum);
  if (local == 0u) {
    losses[0] = bitsOf(total);
    atomicStore(&scratch[COUNTER], 0u);
  }
}
