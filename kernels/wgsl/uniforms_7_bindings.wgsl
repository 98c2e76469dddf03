// As uniforms_6_bindings.wgsl, with the losses as a second output, which tfjs takes for a sixth input.
struct Uniforms {
  nan: f32,
  infinity: f32,
  teacherShape: vec2<i32>,
  studentShape: vec2<i32>,
  temperatureShape: vec2<i32>,
  labelsShape: vec2<i32>,
  weightsShape: vec2<i32>,
  lossesShape: vec2<i32>,
  resultShape: vec2<i32>,
  row: RowUniforms,
}
@group(0) @binding(7) var<uniform> uniforms: Uniforms;
@group(0) @binding(6) var<storage, read_write> losses: array<f32>;

fn writeLoss(row: u32, value: f32) {
  losses[row] = value;
}
