fn writeLoss(row: u32, value: f32) {
  result[row] = value;
}
