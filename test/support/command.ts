import { spawn } from 'node:child_process';
import { expect } from 'vitest';
import { PROGRAM } from './build.ts';
import type { Project } from './project.ts';

/** How a command ended, and what it said. */
export interface Ended {
  exit: number | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  env?: NodeJS.ProcessEnv;
  /** What comes through the pipe; left out: there is none. */
  stdin?: string;
  /** Called with what came on stderr so far, and the way to send a signal. */
  onStderr?: (text: string, signal: (name: NodeJS.Signals) => void) => void;
}

/** Calls the command line as a user does, in the project's folder. Whatever happens, nobody may see a stack trace. */
export async function asapp(
  project: Project,
  words: readonly string[],
  { env = {}, stdin, onStderr }: CommandOptions = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    cwd: project.folder,
    env: { PATH: process.env.PATH, HOME: project.folder, ...env },
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end(stdin);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
    onStderr?.(stderr, (name) => child.kill(name));
  });
  const exit = await new Promise<number | null>((resolve) => child.once('close', resolve));
  expect(`${stdout}${stderr}`, words.join(' ')).not.toMatch(/^\s+at .+[:)]/m);
  return { exit, stdout, stderr };
}
