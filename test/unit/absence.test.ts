import { ABSENT, isRequired, whySkipped } from '../runner/absence.ts';

interface Reporter {
  onRunComplete(contexts: unknown, results: { testResults: object[] }): void;
}

const AbsentBackends = jest.requireActual<new () => Reporter>('../runner/absent_backends.cjs');
const REASON = 'it is not installed';

it('suites of a backend that is there run', () => {
  for (const required of ['', 'all', 'tensorflow'])
    expect(whySkipped('tensorflow', null, required)).toBeNull();
});

it('suites of an absent backend are left out, with the reason', () => {
  for (const required of ['', 'cpu', 'tensor', 'wasm,cpu'])
    expect(whySkipped('tensorflow', REASON, required)).toBe(REASON);
});

it('suites of an absent backend that is required run, and so fail', () => {
  for (const required of ['all', 'tensorflow', 'cpu,tensorflow', 'cpu, tensorflow', 'all,cpu'])
    expect(whySkipped('tensorflow', REASON, required)).toBeNull();
});

it('the environment says what is required', () => {
  const before = process.env.TFJS_DISTILL_REQUIRE_BACKENDS;
  try {
    process.env.TFJS_DISTILL_REQUIRE_BACKENDS = 'wasm';
    expect([isRequired('wasm'), isRequired('cpu')]).toEqual([true, false]);
    delete process.env.TFJS_DISTILL_REQUIRE_BACKENDS;
    expect(isRequired('wasm')).toBe(false);
  } finally {
    if (before === undefined) delete process.env.TFJS_DISTILL_REQUIRE_BACKENDS;
    else process.env.TFJS_DISTILL_REQUIRE_BACKENDS = before;
  }
});

it('what is left out is listed, each backend once', () => {
  const skipped = (name: string) => ({
    displayName: { name },
    testResults: [{ status: 'pending', title: `${ABSENT}${REASON}` }],
  });
  const ran = { displayName: { name: 'cpu' }, testResults: [{ status: 'passed', title: 'a case' }] };
  const print = jest.spyOn(console, 'log').mockImplementation();
  try {
    new AbsentBackends().onRunComplete(null, { testResults: [ran] });
    expect(print).not.toHaveBeenCalled();
    new AbsentBackends().onRunComplete(null, {
      testResults: [skipped('tensorflow'), ran, skipped('tensorflow'), skipped('webgpu-dawn')],
    });
    const [[text]] = print.mock.calls;
    expect(text.split('\n').filter((line: string) => line.includes(REASON))).toEqual([
      expect.stringMatching(/tensorflow.*2 suites/),
      expect.stringMatching(/webgpu-dawn.*1 suite\b/),
    ]);
  } finally {
    print.mockRestore();
  }
});
