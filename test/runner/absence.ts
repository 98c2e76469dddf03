/** A comma-separated list of projects, or `all`: these must run, on any machine. */
const REQUIRED = 'TFJS_DISTILL_REQUIRE_BACKENDS';

/** Begins the title of the one case of a suite that was left out; absent_backends.cjs looks for it. */
export const ABSENT = 'backend absent: ';

/** Whether a project must run and fail if it cannot. */
export function isRequired(project: string, required = process.env[REQUIRED] ?? ''): boolean {
  const names = required.split(',').map((name) => name.trim());
  return names.includes('all') || names.includes(project);
}

/**
 * Why the suites of a project are left out, given why its backend is absent; null if they are to run, and to
 * fail with the backend's own error if it is absent all the same.
 */
export function whySkipped(project: string, absent: string | null, required?: string): string | null {
  return isRequired(project, required) ? null : absent;
}
