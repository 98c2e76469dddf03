/** What a terminal is told to show its cursor again: DECTCEM of the VT220. */
const SHOW_CURSOR = '\x1b[?25h';

/** A process that a signal ends answers with 128 and the number of the signal, as a shell has it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Ctrl-C ends the program, and its terminal has a cursor again, which the progress bars of cli-progress hide.
 * To be called before the first bar is shown.
 *
 * @param say called before the end, to tell what becomes of the work.
 */
export function endOnInterrupt(say: () => void = () => {}): void {
  process.once('exit', () => {
    if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR);
  });
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, () => {
      say();
      process.exit(code);
    });
  }
}
