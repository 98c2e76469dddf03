import { rmSync } from 'node:fs';
import { packedPackage } from './tarball.ts';

/** The jest globalTeardown of the package project. */
export default function tearDown(): void {
  rmSync(packedPackage().project, { recursive: true, force: true });
}
