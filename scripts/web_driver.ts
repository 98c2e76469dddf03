import { readdirSync, readFileSync } from 'node:fs';

/** A page in a browser that is driven from outside by the commands of WebDriver. */
export interface DrivenPage {
  goto(address: string): Promise<void>;
  /**
   * Runs the body of a function in the page, with these as its `arguments`, and gives what it returns: JSON,
   * or the value of a promise.
   */
  execute<T>(body: string, ...args: unknown[]): Promise<T>;
  /** Of the browser's first process. */
  pid: number;
  /** Rejects when the browser ends by itself. */
  ended: Promise<never>;
  close(): Promise<void>;
}

/**
 * Waits until `probe` gives something, for `patience` ms; then throws, with what it last threw as the cause.
 */
export async function patiently<T>(
  what: string,
  probe: () => Promise<T | null> | T | null,
  patience = 60_000,
): Promise<T> {
  let last: unknown = null;
  for (const start = Date.now(); Date.now() - start < patience; ) {
    try {
      const found = await probe();
      if (found !== null) return found;
    } catch (error) {
      last = error;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${what}: nothing came in ${patience / 1000} s.`, { cause: last });
}

/**
 * Whether a process, or one that it started, has a library in its memory: what a browser draws or computes
 * with, whatever it tells a page. Linux.
 */
export function hasLoaded(pid: number, library: RegExp): boolean {
  const parents = new Map<number, number>();
  for (const id of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    // The program's name, in parentheses, may hold anything; the parent is the second word after it.
    const stat = readOfProcess(id, 'stat');
    parents.set(id, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isInTree = (id: number): boolean => id === pid || (id > 1 && isInTree(parents.get(id) ?? 0));
  return [...parents.keys()].filter(isInTree).some((id) => library.test(readOfProcess(id, 'maps')));
}

/** Empty if the process has ended meanwhile, or is another user's. */
function readOfProcess(pid: number, name: 'stat' | 'maps'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
