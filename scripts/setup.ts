/** Steps that the set-up scripts share. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes a folder whole or not at all; several processes may do so at once. */
export function into(folder: string, fill: (folder: string) => void): void {
  mkdirSync(dirname(folder), { recursive: true });
  const partial = mkdtempSync(`${folder}.`);
  try {
    fill(partial);
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

export function say(step: string): void {
  console.log(`* ${step}`);
}

export function run(command: string, args: string[], stdout: 'inherit' | 'ignore' = 'inherit'): void {
  try {
    execFileSync(command, args, { stdio: ['ignore', stdout, 'inherit'] });
  } catch (cause) {
    throw new Error(`set-up: '${[command, ...args].join(' ')}' failed; its output is above.`, { cause });
  }
}

export const output = (command: string, args: string[]) => execFileSync(command, args, { encoding: 'utf8' });

export const firstLine = (command: string, args: string[]) => output(command, args).trim().split('\n')[0];
