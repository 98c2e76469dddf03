// Which rows a workgroup works on, and what belongs to a row as a whole: its temperature, its weight, whether it counts at all.
// `workOnRow`, `goesBackwards` and `finishGroup` are of the file that comes last: row_pass.wgsl or row_metrics.wgsl.
// A team of LANES threads owns a row, WORKGROUP / LANES teams are a workgroup; workgroups go on to further rows until there are none.

var<private> weight: f32;
var<private> weightIsNaN: bool;
var<private> temperatureOfRow: f32;

fn isFinitePositive(bits: u32) -> bool {
  return bits > 0u && bits < INFINITY_BITS;
}

fn startRow() {
  invalid = false;
  temperatureOfRow = uniforms.temperature;
  inverseT = uniforms.inverseTemperature;
  weight = uniforms.scale;
  weightIsNaN = false;
  if (hasRow && uniforms.temperatures != 0u) {
    let bits = temperature[select(uniforms.firstRow + row, 0u, uniforms.temperatures == 1u)];
    invalid = !isFinitePositive(bits);
    temperatureOfRow = select(bitcast<f32>(bits), 1.0, invalid);
    inverseT = min(1.0 / temperatureOfRow, 2e38);
  }
  if (hasRow && uniforms.weights != 0u) {
    let bits = weights[select(uniforms.firstRow + row, 0u, uniforms.weights == 1u)];
    weightIsNaN = (bits & INFINITY_BITS) == INFINITY_BITS;
    weight *= bitcast<f32>(select(bits, 0u, weightIsNaN));
  }
  scale2 = inverseT * LOG2_E;
  startInputs(hasRow && (weight != 0.0 || weightIsNaN));
  startStatistics();
  startHard();
}

fn isZeroRow() -> bool {
  return weight == 0.0 && !weightIsNaN;
}

fn isNaNRow() -> bool {
  return weightIsNaN || invalid || mz == LOWEST || mv == LOWEST;
}

@compute @workgroup_size(WORKGROUP)
fn rows(
  @builtin(local_invocation_index) localIndex: u32,
  @builtin(workgroup_id) groupId: vec3<u32>,
  @builtin(num_workgroups) groupCount: vec3<u32>,
) {
  local = localIndex;
  lane = localIndex % LANES;
  startTeam();
  let groupIndex = select(groupId.x, groupCount.x - 1u - groupId.x, goesBackwards());
  let rowsOfGroup = WORKGROUP / LANES;
  let work = (uniforms.rows + rowsOfGroup - 1u) / rowsOfGroup * uniforms.parts;
  for (var item = groupIndex; item < work; item += groupCount.x) {
    let firstRow = item / uniforms.parts * rowsOfGroup;
    row = firstRow + localIndex / LANES;
    hasRow = row < uniforms.rows;
    stageInputs(firstRow);
    workOnRow(item % uniforms.parts);
    unstageResult(firstRow);
  }
  finishGroup(groupIndex);
}
