import { execFileSync } from 'node:child_process';

/** Runs a program to its end and returns what it printed; that is the message if it fails. */
export function runProgram(program: string, args: string[], folder = process.cwd()): string {
  try {
    const env = { ...process.env, NO_COLOR: '1' };
    return execFileSync(program, args, { cwd: folder, encoding: 'utf8', env, stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')}\n${stdout ?? ''}\n${stderr ?? error}`);
  }
}

/** The same for a script that Node runs. */
export const runScript = (args: string[], folder?: string) => runProgram(process.execPath, args, folder);
