// The uniforms of a pass with one output and five inputs, as tfjs lays them out: NaN, infinity, shape and stride of each tensor (all passed with rank
// 1), then ours.
struct Uniforms {
  nan: f32,
  infinity: f32,
  teacherShape: vec2<i32>,
  studentShape: vec2<i32>,
  temperatureShape: vec2<i32>,
  labelsShape: vec2<i32>,
  weightsShape: vec2<i32>,
  resultShape: vec2<i32>,
  padding: vec2<i32>,  // a struct in a uniform starts at a multiple of 16
  row: RowUniforms,
}
@group(0) @binding(6) var<uniform> uniforms: Uniforms;
