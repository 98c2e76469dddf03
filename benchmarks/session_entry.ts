/** The script of a session, for scripts/bundle_for_backend.ts. */
export const SESSION_ENTRY = `
  import { runSession } from './benchmarks/session.ts';
  globalThis.start = (report, options) => runSession(options, report);`;
