import { startBackend } from '../backends/current.ts';
import { blockCases, manyRowsCase, optionCases, shapeCases, teacherTemperatureCases } from '../cases.ts';
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

  for (const problem of [...optionCases(), ...teacherTemperatureCases()]) {
    it(problem.name, () => expectCase(problem));
  }
});
