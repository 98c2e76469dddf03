// What every variant binds, and the constants that specialise it. The three large tensors are bound by the inputs_*.wgsl file of the variant.
// `losses` are written as bits, so that no arithmetic ever meets the NaN or the infinity that a row may come to.

override LANES: u32 = 1;             // threads that share a row, a power of two
override WORKGROUP: u32 = 64;        // threads, a power of two
override VECTORS: u32 = 4;           // vec4s of each input that a lane holds at a time: a block
override RESIDENT: bool = false;     // one block of the team is the whole row: it is kept for the gradient
override TARGETS: u32 = 0;           // 0 logits, 1 probabilities
override SOFTENED: bool = false;     // probabilities whose logarithms are logits from there on: softened.wgsl
override HAS_TEACHER_TEMPERATURE: bool = false;  // the teacher's logits, or those logarithms, have a T of their own, MATH "A teacher with a temperature of its own"
override ABSENT_TEACHER_BITS: u32 = 0xff7fc99e;  // stands for a class that does not exist: LOWEST among logits, 0 among probabilities
override GRADIENT: u32 = 0;          // 0 none, 1 to the student, 2 to the teacher
override LACKS_GRADIENT_AT_INFINITY: bool = false;  // a row whose divergence is infinite has no gradient
override WRITES_LOSS: bool = true;
override REDUCES: bool = false;      // losses[0] is the sum of the losses
override PHASE: u32 = 0;             // 0 the whole row, else one of split.wgsl
override TILE: u32 = 1;              // inputs_tile.wgsl: values of each input that a tile holds
override MIN_SUBGROUP: u32 = 4;      // team_subgroup.wgsl: the smallest subgroup that the device makes

struct Uniforms {
  // As tfjs lays them out: NaN, infinity, shape and stride of each tensor (all passed with rank 1), and then ours.
  nan: f32,
  infinity: f32,
  teacherShape: vec2<i32>,
  studentShape: vec2<i32>,
  temperatureShape: vec2<i32>,
  labelsShape: vec2<i32>,
  weightsShape: vec2<i32>,
  lossesShape: vec2<i32>,
  scratchShape: vec2<i32>,
  resultShape: vec2<i32>,
  rows: u32,            // of this dispatch
  classes: u32,
  temperatures: u32,    // how many: 0 if `temperature` is it, 1, or one per row
  weights: u32,         // how many: 0 for all 1, 1, or one per row
  temperature: f32,
  inverseTemperature: f32,
  inverseTeacherTemperature: f32,  // where the teacher has one of its own
  teacherScale2: f32,   // and (log2 e) times it
  softWeight: f32,
  hardWeight: f32,
  labelSmoothing: f32,
  beta: f32,
  scale: f32,
  temperatureSquared: u32,
  firstRow: u32,        // of this dispatch, among all rows: where temperatures, weights, class ids and losses of it begin
  firstGroup: u32,      // of this dispatch, among the workgroups of all dispatches
  allGroups: u32,
  parts: u32,           // split.wgsl: workgroups to a row
  inputStart: u32,      // where the rows of this dispatch begin in teacher, student and result, in the unit of inputs_*.wgsl
  labelsStart: u32,     // and in labels that are a distribution
}

@group(0) @binding(3) var<storage, read> temperature: array<u32>;
@group(0) @binding(4) var<storage, read> labels: array<u32>;
@group(0) @binding(5) var<storage, read> weights: array<u32>;
@group(0) @binding(6) var<storage, read_write> losses: array<u32>;
@group(0) @binding(7) var<storage, read_write> scratch: array<atomic<u32>>;
@group(0) @binding(8) var<uniform> uniforms: Uniforms;

const LOGITS = 0u;
const TO_STUDENT = 1u;
const TO_TEACHER = 2u;

// The thread, and the row that its team works on.
var<private> local: u32;
var<private> lane: u32;
var<private> row: u32;
var<private> hasRow: bool;
