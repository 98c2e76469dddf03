// Picks the loss of each row out of the statistics that row_pass.glsl wrote.
void main() {
  setOutput(getStatistics(2 * getOutputCoords(), 2));
}
