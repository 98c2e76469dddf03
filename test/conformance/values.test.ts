import { backend, startBackend } from '../backends/current.ts';
import { blockCases, manyRowsCase, optionCases, shapeCases, teacherTemperatureCases } from '../cases.ts';
import type { ObjectiveCase } from '../objective_case.ts';
import { expectCase } from '../run_case.ts';

beforeAll(startBackend);

describe('loss and both gradients agree with the float64 reference', () => {
  for (const problem of shapeCases()) {
    it(problem.name, () => expectCase(problem));
  }

  it('70,000 rows of 4 classes', () => expectCase(manyRowsCase()));

  for (const problem of blockCases()) {
    it(problem.name, () => expectCase(problem));
  }

  // What becomes of an infinity in half-precision textures is the driver's.
  const isHeld = ({ name }: ObjectiveCase) =>
    backend.precision === 'f32' || !/^reverseKl .*with zeros/.test(name);
  for (const problem of [...optionCases(), ...teacherTemperatureCases().filter(isHeld)]) {
    it(problem.name, () => expectCase(problem));
  }
});
