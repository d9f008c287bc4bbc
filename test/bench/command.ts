import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** What a program of the machine took. */
export interface CommandTimes {
  /** Wall time of the whole process. */
  seconds: number;
  /** CPU time of it and of what it started. */
  cpu_seconds: number;
}

/** The shell knows what its children have used, which Node does not tell. */
const TIMED = '"$@" <&0; code=$?; times >&3; exit $code';

/**
 * Runs a program of the machine.
 * @throws Error when it does not end with 0
 */
export async function runCommand(command: readonly string[], input: string): Promise<CommandTimes> {
  const start = performance.now();
  const child = spawn('sh', ['-c', TIMED, 'sh', ...command], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  child.stdin?.end(input);
  const texts = Promise.all(child.stdio.slice(1, 4).map((stream) => text(stream as Readable)));
  const [exitCode] = await once(child, 'exit');
  const seconds = (performance.now() - start) / 1000;
  const [stdout, stderr, times = ''] = await texts;
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}: ${stdout}${stderr}`);
  // The second line is that of the children: user and system time, as `0m1.25s`.
  const parts = [...(times.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  const cpu = parts.reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0);
  return { seconds, cpu_seconds: cpu };
}

/** The programs that this machine does not have. */
export function missingPrograms(programs: readonly string[]): string[] {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  return programs.filter((program) => !folders.some((folder) => isExecutable(join(folder, program))));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
