import { type CaseReport, SuiteOfCases, type SuiteOptions } from '../runner/blocks.ts';

type Globals = SuiteOfCases['globals'];

const ALL: SuiteOptions = { stopsAtFailure: false, titlePattern: '' };

/** What became of each case of a suite, in order: its titles, and 'passed', 'skipped' or its error. */
async function resultsOf(
  define: (globals: Globals) => void,
  options: Partial<SuiteOptions> = {},
  takeFaults?: () => string[],
): Promise<Record<string, string>> {
  const suite = new SuiteOfCases();
  define(suite.globals);
  const reports: CaseReport[] = [];
  await suite.run({ ...ALL, ...options }, (report) => void reports.push(report), takeFaults);
  return Object.fromEntries(
    reports.map(({ titles, error, isSkipped }) => [
      titles.join(' > '),
      isSkipped ? 'skipped' : error === null ? 'passed' : messageOf(error),
    ]),
  );
}

const messageOf = (stack: string) => stack.split('\n')[0].replace(/^Error: /, '');

const fail = (message: string) => () => {
  throw new Error(message);
};

const nothing = () => {};

describe('the test runner', () => {
  it('runs an outer beforeAll whose cases all stand in describes, and fails them with what it throws', async () => {
    const results = await resultsOf(({ describe, it, beforeAll: setUp }) => {
      setUp(fail('no backend'));
      describe('a', () => it('one', nothing));
      describe('b', () => describe('c', () => it('two', nothing)));
    });
    expect(results).toEqual({ 'a > one': 'no backend', 'b > c > two': 'no backend' });
  });

  it('fails the cases of a nested beforeAll that throws, and no others', async () => {
    const results = await resultsOf(({ describe, it, beforeAll: setUp }) => {
      it('before', nothing);
      describe('a', () => {
        setUp(fail('broken'));
        describe('b', () => it('inner', nothing));
      });
      it('after', nothing);
    });
    expect(results).toEqual({ before: 'passed', 'a > b > inner': 'broken', after: 'passed' });
  });

  it('runs hooks around cases in the order of jest', async () => {
    const seen: string[] = [];
    const see = (what: string) => () => void seen.push(what);
    await resultsOf(
      ({
        describe,
        it,
        beforeAll: setUp,
        afterAll: tearDown,
        beforeEach: setUpEach,
        afterEach: tearDownEach,
      }) => {
        setUp(see('beforeAll'));
        setUpEach(see('beforeEach'));
        tearDownEach(see('afterEach'));
        tearDown(see('afterAll'));
        describe('a', () => {
          setUp(see('a beforeAll'));
          setUpEach(see('a beforeEach'));
          tearDownEach(see('a afterEach'));
          tearDown(see('a afterAll'));
          it('one', see('one'));
          it('two', see('two'));
        });
        it('three', see('three'));
      },
    );
    const around = (name: string) => ['beforeEach', 'a beforeEach', name, 'a afterEach', 'afterEach'];
    const inner = ['a beforeAll', ...around('one'), ...around('two'), 'a afterAll'];
    expect(seen).toEqual(['beforeAll', ...inner, 'beforeEach', 'three', 'afterEach', 'afterAll']);
  });

  it.each(['beforeEach', 'afterEach'] as const)('fails a case with what %s throws', async (hook) => {
    const results = await resultsOf(({ describe, it, ...hooks }) => {
      hooks[hook](fail('broken hook'));
      describe('a', () => it('one', nothing));
    });
    expect(results).toEqual({ 'a > one': 'broken hook' });
  });

  it('does not run a case whose beforeEach throws, but what comes after it', async () => {
    const seen: string[] = [];
    await resultsOf(({ it, beforeEach: setUpEach, afterEach: tearDownEach }) => {
      setUpEach(fail('broken'));
      tearDownEach(() => void seen.push('afterEach'));
      it('one', () => void seen.push('one'));
    });
    expect(seen).toEqual(['afterEach']);
  });

  it('reports what every afterAll throws, also where all cases stand in describes', async () => {
    const results = await resultsOf(({ describe, it, afterAll: tearDown }) => {
      tearDown(fail('left something behind'));
      describe('a', () => {
        tearDown(async () => fail('inner')());
        it('one', nothing);
      });
    });
    expect(results).toEqual({
      'a > one': 'passed',
      'a > afterAll': 'inner',
      afterAll: 'left something behind',
    });
  });

  it('takes whatever is thrown for a failure: a string, undefined, a rejection', async () => {
    const results = await resultsOf(({ it, beforeAll: setUp, describe }) => {
      it('string', () => {
        throw 'a word';
      });
      it('undefined', () => Promise.reject(undefined));
      describe('hook', () => {
        setUp(() => Promise.reject(null));
        it('one', nothing);
      });
    });
    expect(results).toEqual({
      string: 'thrown: a word',
      undefined: 'thrown: undefined',
      'hook > one': 'thrown: null',
    });
  });

  it('fails a case and a hook that do not end in time', async () => {
    const never = () => new Promise(() => {});
    const results = await resultsOf(({ it, describe, beforeAll: setUp }) => {
      it('slow', never, 1);
      describe('a', () => {
        setUp(never, 1);
        it('one', nothing);
      });
    });
    expect(results).toEqual({ slow: 'no end after 1 ms', 'a > one': 'no end after 1 ms' });
  });

  it('lists skipped cases without running them, and runs no hooks for them', async () => {
    const results = await resultsOf(({ describe, it, beforeAll: setUp }) => {
      it.skip('one', fail('ran'));
      describe.skip('a', () => {
        setUp(fail('ran'));
        it('two', fail('ran'));
        describe('b', () => it('three', fail('ran')));
      });
      it('four', nothing);
    });
    expect(results).toEqual({
      one: 'skipped',
      'a > two': 'skipped',
      'a > b > three': 'skipped',
      four: 'passed',
    });
  });

  it('makes a case of each row of a table', async () => {
    const seen: unknown[] = [];
    const results = await resultsOf(({ describe, it }) => {
      it.each([
        [1, 'a'],
        [2, 'b'],
      ])('%i of %s, row %#', (...row: unknown[]) => void seen.push(row));
      describe.each([{ name: 'x' }, { name: 'y' }])('block $name', ({ name }: { name: string }) => {
        it('one', () => void seen.push(name));
      });
    });
    expect(Object.keys(results)).toEqual([
      '1 of a, row 0',
      '2 of b, row 1',
      'block "x" > one',
      'block "y" > one',
    ]);
    expect(seen).toEqual([[1, 'a'], [2, 'b'], 'x', 'y']);
  });

  it('runs only what the pattern chooses, and the hooks of that alone', async () => {
    const results = await resultsOf(
      ({ describe, it, beforeAll: setUp }) => {
        describe('a', () => {
          setUp(fail('ran'));
          it('one', nothing);
        });
        describe('b', () => it('two', nothing));
      },
      { titlePattern: 'b two' },
    );
    expect(results).toEqual({ 'b > two': 'passed' });
  });

  it('runs nothing more after a failure if it is told so, but what was set up ends', async () => {
    const results = await resultsOf(
      ({ describe, it, afterAll: tearDown }) => {
        tearDown(fail('ended'));
        describe('a', () => it('one', fail('wrong')));
        it('two', nothing);
      },
      { stopsAtFailure: true },
    );
    expect(results).toEqual({ 'a > one': 'wrong', afterAll: 'ended' });
  });

  it('fails a case, and the cases of a hook, that leave an error with the device', async () => {
    let faults: string[] = [];
    const results = await resultsOf(
      ({ describe, it, beforeAll: setUp }) => {
        it('one', () => void faults.push('too large'));
        describe('a', () => {
          setUp(() => void faults.push('no buffer'));
          it('two', nothing);
        });
      },
      {},
      () => {
        const taken = faults;
        faults = [];
        return taken;
      },
    );
    expect(results).toEqual({
      one: 'The device reported: too large',
      'a > two': 'The device reported: no buffer',
    });
  });

  it('refuses what would be lost: a case inside of a case, an async describe, an empty table', async () => {
    const results = await resultsOf(({ describe, it }) => {
      it('outer', () => it('inner', nothing));
      expect(() => describe('a', async () => {})).toThrow("describe 'a': its function must not be async.");
      expect(() => it.each([])('%s', nothing)).toThrow("each: the table of '%s' is empty.");
    });
    expect(results).toEqual({ outer: "it 'inner': must not stand inside of a case or a hook." });
  });
});
