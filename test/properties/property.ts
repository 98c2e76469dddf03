import fc from 'fast-check';
import { type Draw, draws, type Fixed } from './draw.ts';
import type { PropertySettings } from './settings.ts';

/** Put in by the runner when it bundles a suite. */
declare const PROPERTY_SETTINGS: PropertySettings;

export interface Property {
  title: string;
  /** What the property needs of its draws. */
  of: Fixed;
  /** Throws if the property does not hold of the draw. */
  holds: (draw: Draw) => Promise<void>;
}

const MINUTE = 60_000;

/**
 * Makes a case of every property: the calls are shared out evenly, and a draw that fails is shrunk before it
 * is shown.
 */
export function describeProperties(bySubject: { [subject: string]: Property[] }): void {
  const { seed, calls } = PROPERTY_SETTINGS;
  const runs = Math.ceil(calls / Object.values(bySubject).flat().length);
  for (const [subject, properties] of Object.entries(bySubject)) {
    describe(`${subject} (seed ${seed}, ${runs} draws of each)`, () => {
      for (const property of properties)
        it(property.title, () => check(property, seed, runs), timeLimit(runs) + MINUTE);
    });
  }
}

/** Generous: a draw takes a second where a software adapter compiles a shader for it. */
const timeLimit = (runs: number) => MINUTE * (2 + runs / 20);

async function check({ of, holds }: Property, seed: number, runs: number): Promise<void> {
  const details = await fc.check(fc.asyncProperty(draws(of), holds), {
    seed,
    numRuns: runs,
    interruptAfterTimeLimit: timeLimit(runs),
    markInterruptAsFailure: true,
  });
  if (!details.failed) return;
  const { counterexample, errorInstance, numRuns, numShrinks } = details;
  if (counterexample === null) throw new Error(`Only ${numRuns} of ${runs} draws in ${timeLimit(runs)} ms.`);
  const error = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  throw new Error(
    `${error}\nDraw ${numRuns} of TFJS_DISTILL_PROPERTY_SEED=${seed}, shrunk ${numShrinks} times: ${JSON.stringify(counterexample[0])}`,
  );
}
