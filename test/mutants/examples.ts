import { type Mutant, mutants, suite } from './mutant.ts';

const records = suite('test/unit/paper_records.test.ts', 'unit');
const checkpoints = suite('test/unit/paper_checkpoint.test.ts', 'unit');

/** What npm run paper keeps, and may not take for something else. */
export const exampleMutants: Mutant[] = [
  ...mutants('examples/paper/remaining.ts', records, [
    {
      name: 'a student of another teacher is not trained anew',
      find: 'record?.teacher?.id === teacher?.id',
      replace: 'true',
    },
    {
      name: 'logits of another teacher are taken',
      find: 'mark !== undefined && kept?.id === mark.id',
      replace: 'mark !== undefined && kept !== null',
    },
  ]),
  ...mutants('examples/paper/measured.ts', records, [
    {
      name: 'students of an earlier teacher are mixed with those of the present one',
      find: 'learnsFromTeacher && ofTeacher.length > 0 ? ofTeacher : records',
      replace: 'records',
    },
  ]),
  ...mutants('examples/paper/checkpoint.ts', checkpoints, [
    {
      name: 'weights of another plan are trained further',
      find: 'if (!isDeepStrictEqual(settings, settingsOf(job))) return null;',
      replace: '',
    },
  ]),
];
