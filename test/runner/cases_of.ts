import { basename, join } from 'node:path';
import { bundleForBackend } from '../../scripts/bundle_for_backend.ts';
import { runOnBackend } from '../../scripts/run_on_backend.ts';
import type { BackendProject } from '../backends/projects.ts';
import { propertySettings } from '../properties/settings.ts';
import type { CaseReport, SuiteOptions } from './blocks.ts';

/** Runs a suite of the tree at `root` on a backend, and what became of each case: the first is that the backend started. */
export async function casesOf(
  root: string,
  project: BackendProject,
  testPath: string,
  options: SuiteOptions,
): Promise<CaseReport[]> {
  const reports: CaseReport[] = [];
  const keep = (report: CaseReport) => {
    reports.push(report);
  };
  const bundle = await bundleSuite(root, project, testPath);
  await runOnBackend(project, bundle, keep, options).catch((error: Error) => {
    keep({ titles: ['the suite runs to its end'], duration: 0, error: error.stack ?? error.message });
  });
  return reports;
}

/** One script with the suite and the package. */
async function bundleSuite(root: string, project: BackendProject, testPath: string): Promise<string> {
  const extension = project.host === 'node' ? '.cjs' : '.js';
  const outfile = join(root, '.cache', 'suites', project.name, basename(testPath, '.ts') + extension);
  const entry = `
    import { runSuite } from './test/runner/suite.ts';
    import { describeBackend, validationErrors } from './test/backends/current.ts';
    import ${JSON.stringify(testPath)};
    globalThis.start = (report, options) => runSuite(describeBackend, validationErrors, report, options);`;
  await bundleForBackend(root, project, entry, outfile, { PROPERTY_SETTINGS: propertySettings() });
  return outfile;
}
