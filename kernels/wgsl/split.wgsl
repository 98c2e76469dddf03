// Few rows of many classes: `parts` workgroups to a row, in dispatches that follow each other, so that the whole device works on the row and no workgroup
// waits for another. Phase 1 leaves the statistics of each part in `scratch`; phases 2 and 3, where the divergence asks for them, the sums that need
// the statistics of the whole row; phase 4 merges the parts, as lanes merge, and writes.
// Each phase goes the other way round than the one before, from the last part to the first, because what was read last is most likely still in cache.

const WHOLE = 0u;
const STATISTICS = 1u;
const NEAR_SUMS = 2u;
const MIXTURE_SUMS = 3u;
const FINISH = 4u;

const PARTIALS = 8192u;        // where in `scratch` they begin
const PARTIAL_WORDS = 28u;

fn putWord(index: u32, value: f32) {
  atomicStore(&scratch[index], bitcast<u32>(value));
}

fn putVector(index: u32, value: vec4<f32>) {
  putWord(index, value.x);
  putWord(index + 1u, value.y);
  putWord(index + 2u, value.z);
  putWord(index + 3u, value.w);
}

fn getVector(index: u32) -> vec4<f32> {
  return bitcast<vec4<f32>>(vec4(
    atomicLoad(&scratch[index]),
    atomicLoad(&scratch[index + 1u]),
    atomicLoad(&scratch[index + 2u]),
    atomicLoad(&scratch[index + 3u]),
  ));
}

fn partialOf(part: u32) -> u32 {
  return PARTIALS + (row * uniforms.parts + part) * PARTIAL_WORDS;
}

// After mergeTeam: the part's statistics, as a lane has them.
fn putStatistics(part: u32, lacking: vec4<f32>) {
  if (lane == 0u) {
    let at = partialOf(part);
    putVector(at, vec4(mz, mv, highestOfTeam, lowestOfTeam));
    putVector(at + 4u, vec4(totalSz, totalSv, totalSoft / LN_2, select(0.0, 1.0, invalid)));
    putVector(at + 8u, vec4(lacking.x, lacking.y, givenOfTeam, 0.0));
    putVector(at + 12u, mergedHardState());
    putVector(at + 16u, labelState());
  }
}

// Lane j becomes the lane that has seen part j.
fn getStatistics() {
  if (lane < uniforms.parts && hasRow) {
    let at = partialOf(lane);
    let maxima = getVector(at);
    mz = maxima.x;
    mv = maxima.y;
    highest = vec4(maxima.z);
    lowest = vec4(maxima.w);
    let sums = getVector(at + 4u);
    sz = vec4(sums.x, 0.0, 0.0, 0.0);
    sv = vec4(sums.y, 0.0, 0.0, 0.0);
    soft = vec4(sums.z, 0.0, 0.0, 0.0);
    invalid = invalid || sums.w > 0.5;
    let lacking = getVector(at + 8u);
    studentLacks = lacking.x;
    teacherLacks = lacking.y;
    given = vec4(lacking.z, 0.0, 0.0, 0.0);
    setHardState(getVector(at + 12u), getVector(at + 16u));
  }
}

const NEAR_AT = 20u;
const MIXTURE_AT = 24u;

fn putSums(part: u32, offset: u32, sums: vec4<f32>) {
  if (lane == 0u) {
    putVector(partialOf(part) + offset, sums);
  }
}

// Of the lane's part, for the team to add up.
fn getSums(offset: u32) -> vec4<f32> {
  if (lane < uniforms.parts && hasRow) {
    return getVector(partialOf(lane) + offset);
  }
  return vec4(0.0);
}
