/**
 * What describe, it and the hooks of a suite add up to, and how it is run. Knows neither backend nor page;
 * suite.ts makes it the globals of a suite.
 */
import { argumentsOf, type EachRow, titleOf } from './each.ts';

export type Action = () => unknown;

export interface CaseReport {
  titles: string[];
  /** ms */
  duration: number;
  /** The error's stack, or null if the case passed. */
  error: string | null;
  /** The case was not run: `it.skip`, or `describe.skip` around it. */
  isSkipped?: true;
}

export interface SuiteOptions {
  /** As jest's --bail: nothing runs after a case that failed. */
  stopsAtFailure: boolean;
  /** As jest's -t: what the titles of a case, one after another, must match; empty for every case. */
  titlePattern: string;
}

/** An action, and how long it may take, ms. */
interface Step {
  action: Action;
  timeout: number;
}

interface Case extends Step {
  titles: string[];
  isSkipped: boolean;
}

type Hook = 'beforeAll' | 'afterAll' | 'beforeEach' | 'afterEach';

interface Block {
  titles: string[];
  isSkipped: boolean;
  outer: Block | null;
  hooks: Record<Hook, Step[]>;
  /** In the order of the file. */
  members: (Case | Block)[];
}

export const CASE_TIMEOUT_MS = 180_000;

function newBlock(titles: string[], outer: Block | null, isSkipped: boolean): Block {
  return {
    titles,
    isSkipped,
    outer,
    hooks: { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] },
    members: [],
  };
}

const isBlock = (member: Case | Block): member is Block => 'members' in member;

/** What tells one run of cases from another. */
interface Run {
  isChosen: (titles: readonly string[]) => boolean;
  stopsAtFailure: boolean;
  report: (report: CaseReport) => Promise<void> | void;
  /** What the device reported during the last step, and forgets. */
  takeFaults: () => string[];
}

/** A suite as it is defined, one `describe` after another, and then run. */
export class SuiteOfCases {
  private current = newBlock([], null, false);
  private isRunning = false;

  /** What a suite finds as its globals; as those of jest, as far as they go. */
  readonly globals = {
    describe: withEach((title: string, define: Action) => this.describe(title, define, false), {
      skip: (title: string, define: Action) => this.describe(title, define, true),
    }),
    it: withEach(
      (title: string, action: Action, timeout?: number) => this.it(title, action, timeout, false),
      {
        skip: (title: string, action: Action = () => {}) => this.it(title, action, undefined, true),
      },
    ),
    beforeAll: this.hook('beforeAll'),
    afterAll: this.hook('afterAll'),
    beforeEach: this.hook('beforeEach'),
    afterEach: this.hook('afterEach'),
  };

  private describe(title: string, define: Action, isSkipped: boolean): void {
    this.checkDefining(`describe '${title}'`);
    const outer = this.current;
    const block = newBlock([...outer.titles, title], outer, isSkipped || outer.isSkipped);
    outer.members.push(block);
    this.current = block;
    try {
      if (define() instanceof Promise)
        throw new Error(`describe '${title}': its function must not be async.`);
    } finally {
      this.current = outer;
    }
  }

  private it(title: string, action: Action, timeout = CASE_TIMEOUT_MS, isSkipped = false): void {
    this.checkDefining(`it '${title}'`);
    const { titles, members, isSkipped: isInSkipped } = this.current;
    members.push({ titles: [...titles, title], action, timeout, isSkipped: isSkipped || isInSkipped });
  }

  private hook(name: Hook) {
    return (action: Action, timeout = CASE_TIMEOUT_MS): void => {
      this.checkDefining(name);
      this.current.hooks[name].push({ action, timeout });
    };
  }

  private checkDefining(what: string): void {
    if (this.isRunning) throw new Error(`${what}: must not stand inside of a case or a hook.`);
  }

  /**
   * Runs the cases that the pattern chooses, in the order of the file. Hooks of a block run if a case below
   * it does; what beforeAll throws fails each of these cases, what beforeEach and afterEach throw theirs, and
   * what afterAll throws is a failed case of its own.
   *
   * @param startError fails every case, if the backend did not start.
   */
  async run(
    { stopsAtFailure, titlePattern }: SuiteOptions,
    report: Run['report'],
    takeFaults: Run['takeFaults'] = () => [],
    startError: string | null = null,
  ): Promise<void> {
    this.isRunning = true;
    const pattern = new RegExp(titlePattern, 'i');
    const isChosen = (titles: readonly string[]) => pattern.test(titles.join(' '));
    await runBlock(this.current, startError, { isChosen, stopsAtFailure, report, takeFaults });
  }
}

/** Whether all went well, or was to go on all the same. */
type MayGoOn = boolean;

async function runBlock(block: Block, outerError: string | null, run: Run): Promise<MayGoOn> {
  if (!hasCaseToRun(block, run)) return reportSkipped(block, run);
  const error = outerError ?? (await runAll(block.hooks.beforeAll, run));
  let goesOn = true;
  for (const member of block.members) {
    if (goesOn)
      goesOn = isBlock(member)
        ? await runBlock(member, error, run)
        : await runCase(member, block, error, run);
  }
  if (outerError !== null) return goesOn; // nothing was set up
  for (const step of block.hooks.afterAll) {
    const error = await attempt(step, run);
    if (error === null) continue;
    await run.report({ titles: [...block.titles, 'afterAll'], duration: 0, error });
    goesOn &&= !run.stopsAtFailure;
  }
  return goesOn;
}

async function runCase(of: Case, block: Block, blockError: string | null, run: Run): Promise<MayGoOn> {
  const { titles, isSkipped } = of;
  if (!run.isChosen(titles)) return true;
  if (isSkipped) {
    await run.report({ titles, duration: 0, error: null, isSkipped });
    return true;
  }
  const start = performance.now();
  const error = blockError ?? (await runWithHooks(of, block, run));
  await run.report({ titles, duration: performance.now() - start, error });
  return error === null || !run.stopsAtFailure;
}

/** The hooks of outer blocks run first before a case, and last after it: after it in any case, as in jest. */
async function runWithHooks(step: Step, block: Block, run: Run): Promise<string | null> {
  const blocks: Block[] = [];
  for (let at: Block | null = block; at !== null; at = at.outer) blocks.push(at);
  const before = blocks.toReversed().flatMap(({ hooks }) => hooks.beforeEach);
  let error = await runAll([...before, step], run);
  for (const after of blocks.flatMap(({ hooks }) => hooks.afterEach)) {
    const ofHook = await attempt(after, run);
    error ??= ofHook;
  }
  return error;
}

/** One after another, up to the first that fails; its error, or null. */
async function runAll(steps: readonly Step[], run: Run): Promise<string | null> {
  for (const step of steps) {
    const error = await attempt(step, run);
    if (error !== null) return error;
  }
  return null;
}

async function attempt(step: Step, { takeFaults }: Run): Promise<string | null> {
  takeFaults(); // those that came late belong to no step
  const error = await outcome(step);
  const faults = takeFaults();
  return error ?? (faults.length > 0 ? `The device reported: ${faults.join('; ')}` : null);
}

/** What an action throws, in words, or null. Anything can be thrown: `undefined` too. */
export async function outcome({ action, timeout }: Step): Promise<string | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${timeout} ms`)), timeout);
  });
  try {
    await Promise.race([action(), late]);
    return null;
  } catch (error) {
    return error instanceof Error ? textOf(error) : `thrown: ${String(error)}`;
  } finally {
    clearTimeout(timer);
  }
}

/** The stack of V8 begins with the message; those of Firefox and WebKit lack it. */
function textOf({ message, stack = '' }: Error): string {
  return stack.includes(message) ? stack || message : `${message}\n${stack}`;
}

const hasCaseToRun = (block: Block, run: Run): boolean =>
  block.members.some((member) =>
    isBlock(member) ? hasCaseToRun(member, run) : run.isChosen(member.titles) && !member.isSkipped,
  );

async function reportSkipped(block: Block, run: Run): Promise<MayGoOn> {
  for (const member of block.members) {
    if (isBlock(member)) await reportSkipped(member, run);
    else await runCase(member, block, null, run);
  }
  return true;
}

/** A case of a table takes the row's arguments. */
type RowAction = (...row: never[]) => unknown;

function withEach<Define extends (title: string, action: Action, timeout?: number) => void, Others>(
  define: Define,
  others: Others,
) {
  const each =
    (rows: readonly EachRow[]) =>
    (template: string, action: RowAction, timeout?: number): void => {
      if (rows.length === 0) throw new Error(`each: the table of '${template}' is empty.`);
      rows.forEach((row, index) => {
        const act = () => action(...(argumentsOf(row) as never[]));
        define(titleOf(template, row, index), act, timeout);
      });
    };
  return Object.assign(define, { ...others, each });
}
