import type { Counts, Errors, ShiftedErrors } from './figures.ts';
import type { Job, Role, UnitsByTemperature } from './plan.ts';
import type { TeacherMark, TestedRecord } from './records.ts';

/** Of the runs of one network, as far as they have come. */
export interface Runs<Run = Counts> {
  /** By seed, in order. */
  runs: readonly (Run & { seed: number })[];
  /** Of the teacher that they learned from, where it is no longer the one of the plan. */
  earlierTeacher?: TeacherMark;
}

/** As trained, and after the shifts of biases. */
export type Shifted = Errors & { shifted: ShiftedErrors; shiftedForTest: ShiftedErrors };

export interface Measured {
  teacher: Runs;
  hardStudent: Runs;
  softStudent: Runs;
  without3: Runs<Shifted>;
  only7And8: Runs<Shifted>;
  temperatures: TemperaturePoint[];
}

export interface TemperaturePoint {
  units: UnitsByTemperature;
  temperature: number;
  runs: Runs;
}

/**
 * Students of the present teacher go before those of an earlier one, which count until they have been trained
 * anew.
 */
export function measuredOf(records: readonly TestedRecord[]): Measured {
  const teacher = records.find(({ job }) => job.role === 'teacher');
  const runs = (role: Role) =>
    runsOf(
      records.filter(({ job }) => job.role === role),
      teacher,
    );
  return {
    teacher: runs('teacher'),
    hardStudent: runs('hardStudent'),
    softStudent: runs('softStudent'),
    without3: withShifts(runs('without3')),
    only7And8: withShifts(runs('only7And8')),
    temperatures: temperaturesOf(records, teacher),
  };
}

function runsOf(records: readonly TestedRecord[], teacher: TestedRecord | undefined): Runs {
  const ofTeacher = records.filter((record) => record.teacher?.id === teacher?.teacher?.id);
  const learnsFromTeacher = records.some((record) => record.teacher !== undefined);
  const chosen = learnsFromTeacher && ofTeacher.length > 0 ? ofTeacher : records;
  const runs = chosen
    .map(({ job: { seed }, counts }) => ({ seed, ...counts }))
    .sort((a, b) => a.seed - b.seed);
  const [{ teacher: mark } = {}] = chosen;
  return mark === undefined || mark.id === teacher?.teacher?.id ? { runs } : { runs, earlierTeacher: mark };
}

function withShifts({ runs, earlierTeacher }: Runs): Runs<Shifted> {
  const shifted = runs.map(({ seed, errors, errorsOn3, shifted, shiftedForTest }) => {
    if (errorsOn3 === undefined || shifted === undefined || shiftedForTest === undefined) {
      throw new Error('measuredOf: a network that lacked digits has the counts after shifts of biases.');
    }
    return { seed, errors, errorsOn3, shifted, shiftedForTest };
  });
  return { runs: shifted, ...(earlierTeacher && { earlierTeacher }) };
}

function temperaturesOf(
  records: readonly TestedRecord[],
  teacher: TestedRecord | undefined,
): TemperaturePoint[] {
  const groups = new Map<string, TestedRecord[]>();
  for (const record of records.filter(({ job }) => job.role === 'byTemperature')) {
    const name = record.job.name.replace(/-seed\d+$/, '');
    groups.set(name, [...(groups.get(name) ?? []), record]);
  }
  return [...groups.values()]
    .map((group) => ({ ...pointOf(group[0].job), runs: runsOf(group, teacher) }))
    .sort((a, b) => a.temperature - b.temperature);
}

function pointOf({ units, targets }: Job): Omit<TemperaturePoint, 'runs'> {
  if (targets.kind !== 'teacher' || (units !== 30 && units !== 300)) {
    throw new Error('measuredOf: a network by temperature has 30 or 300 units and a teacher.');
  }
  return { units, temperature: targets.temperature };
}
