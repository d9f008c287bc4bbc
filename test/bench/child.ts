import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Usage } from './usage.ts';

const USAGE = new URL('./usage.js', import.meta.url).href;

/** A process that was measured from its start to its end. */
export interface Run extends Usage {
  /** Wall time of the whole process. */
  seconds: number;
  /** How many cores other processes kept busy meanwhile, on average: from 0.3 on, times say little. */
  others: number;
  /** When it was started. */
  startedAt: Date;
  endedAt: Date;
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a script of Node in a process of its own.
 * @throws Error when it does not end by itself
 */
export async function runScript(
  script: string,
  args: readonly string[],
  { cwd, input = '' }: { cwd?: string; input?: string } = {},
): Promise<Run> {
  const busyBefore = busySeconds();
  const startedAt = new Date();
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', USAGE, script, ...args], {
    cwd,
    // Where a machine adds certificates of its own, Node parses all of them before it does anything else: 45 ms.
    env: { ...process.env, NODE_EXTRA_CA_CERTS: '' },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end(input);
  const texts = Promise.all(child.stdio.slice(1, 4).map((stream) => text(stream as Readable)));
  const [exitCode, signal] = (await once(child, 'exit')) as [number | null, string | null];
  const seconds = (performance.now() - start) / 1000;
  const endedAt = new Date();
  const busy = busySeconds() - busyBefore;
  const [stdout = '', stderr = '', usage = ''] = await texts;
  if (exitCode === null || usage === '') throw new Error(`${script} ended by ${signal}: ${stderr}`);
  const used = JSON.parse(usage) as Usage;
  const others = Math.max(0, busy - used.cpu_seconds) / seconds;
  return { ...used, seconds, others, startedAt, endedAt, exitCode, stdout, stderr };
}

/** The path of a script beside this one. */
export function sibling(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

/** CPU time of the whole machine. */
export function busySeconds(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0) / 1000;
}
