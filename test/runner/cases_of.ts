import { basename, join } from 'node:path';
import { bundleForBackend } from '../../scripts/bundle_for_backend.ts';
import { runOnBackend } from '../../scripts/run_on_backend.ts';
import { type BackendProject, isPage } from '../backends/projects.ts';
import { propertySettings } from '../properties/settings.ts';
import type { CaseReport, SuiteOptions } from './blocks.ts';
import { validateGlsl } from './validate_glsl.ts';

/**
 * Runs a suite of the tree at `root` on a backend, and what became of each case: the first is that the
 * backend started.
 */
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
  let programs: string[] = [];
  const take = (report: SuiteReport) => {
    if ('glslPrograms' in report) programs = report.glslPrograms;
    else keep(report);
  };
  const bundle = await bundleSuite(root, project, testPath);
  await runOnBackend(project, bundle, take, options).catch((error: Error) => {
    keep({ titles: ['the suite runs to its end'], duration: 0, error: error.stack ?? error.message });
  });
  const ofGlsl = programs.length > 0 ? await validateGlsl(project.name, programs) : null;
  if (ofGlsl !== null) keep(ofGlsl);
  return reports;
}

/** A case, or at the end the programs that were compiled. */
type SuiteReport = CaseReport | { glslPrograms: string[] };

/** One script with the suite and the package. */
async function bundleSuite(root: string, project: BackendProject, testPath: string): Promise<string> {
  const extension = isPage(project) ? '.js' : '.cjs';
  const outfile = join(root, '.cache', 'suites', project.name, basename(testPath, '.ts') + extension);
  const entry = `
    import { runSuite } from './test/runner/suite.ts';
    import { describeBackend, glslPrograms, validationErrors } from './test/backends/current.ts';
    import ${JSON.stringify(testPath)};
    globalThis.start = async (report, options) => {
      await runSuite(describeBackend, validationErrors, report, options);
      await report({ glslPrograms: [...glslPrograms] });
    };`;
  await bundleForBackend(root, project, entry, outfile, { PROPERTY_SETTINGS: propertySettings() });
  return outfile;
}
