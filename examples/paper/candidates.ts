/** How the teacher is chosen: `npm run paper -- --tune`. */
import { type Job, scaledEpochs, teacherJob } from './plan.ts';

const EPOCHS = 8;

/** Teachers that differ from the first in one setting each. */
export function planCandidates(scale: number): Job[] {
  const first = { ...teacherJob(scale), epochs: scaledEpochs(EPOCHS, scale) };
  const regularised = {
    kind: 'labelsRegularised',
    dropout: { inputs: 0.2, hidden: 0.5 },
    jitter: 2,
  } as const;
  const changes: Record<string, Partial<Job>> = {
    first: {},
    'no dropout of inputs': { targets: { ...regularised, dropout: { inputs: 0, hidden: 0.5 } } },
    'dropout of 0.3 of hidden units': { targets: { ...regularised, dropout: { inputs: 0.2, hidden: 0.3 } } },
    'jitter of 1 pixel': { targets: { ...regularised, jitter: 1 } },
    'learning rate 0.002': { learningRate: 2e-3 },
    'learning rate 0.0005': { learningRate: 5e-4 },
  };
  return Object.entries(changes).map(([name, change]) => ({
    ...first,
    learningRate: 1e-3,
    targets: regularised,
    ...change,
    name: `teacher, ${name}`,
    title: `teacher, ${name}`,
  }));
}
