import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { DecryptCommand } from '../../config/config.ts';
import { DecryptError } from './error.ts';
import { Watch } from './watch.ts';

/** A program that neither reads nor writes for so long waits for something that does not come, such as a passphrase. */
const STALL_MS = 5 * 60_000;

/** How long a program that is told to end may take for it, and what it has written last to come after it. */
const GRACE_MS = 2000;

/** More than the last line that anybody writes. */
const STDERR_CHARACTERS = 4096;

/**
 * Passes bytes through the program. Reads `chunks` to their end, even where the program does not.
 *
 * What comes out counts only once the generator has ended by itself: then the program has said that all is well.
 * @throws DecryptError when the program cannot be started, ends with another exit code than 0, or comes to rest;
 *   whatever reading `chunks` throws
 */
export async function* decryptByCommand(
  chunks: AsyncIterable<Uint8Array>,
  { command: [program = '', ...words], directory }: DecryptCommand,
  signal?: AbortSignal,
  stallMs = STALL_MS,
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  const child = spawn(program, words, { cwd: directory, stdio: 'pipe' });
  const ending = endOf(child, program);
  let stalled: string | undefined;
  const stop = () => void end(child);
  using watch = new Watch(stallMs, () => {
    stalled = isOver(child)
      ? 'has ended, and what it has started keeps its output open and wrote nothing'
      : 'did nothing';
    stop();
  });
  signal?.addEventListener('abort', stop);
  const feeding = feed(chunks, child.stdin, () => watch.alive());
  // Reported below, after what the program says of itself.
  feeding.catch(stop);
  try {
    for await (const chunk of child.stdout) {
      watch.alive();
      yield chunk;
      watch.alive();
    }
    const { problem } = await ending;
    await feeding;
    if (problem) throw problem;
  } catch (error) {
    signal?.throwIfAborted();
    if (stalled === undefined) throw error;
    throw new DecryptError(`${program} ${stalled} for ${stallMs / 1000} s, and was stopped`);
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

/** Writes all of `chunks`; what is written to a program that has ended goes nowhere. */
async function feed(
  chunks: AsyncIterable<Uint8Array>,
  stdin: Writable,
  onProgress: () => void,
): Promise<void> {
  stdin.on('error', () => {});
  try {
    for await (const chunk of chunks) {
      await new Promise<void>((resolve) => void stdin.write(chunk, () => resolve()));
      onProgress();
    }
    stdin.end();
  } catch (error) {
    stdin.destroy();
    throw error;
  }
}

/** How the program ends; never rejects. */
function endOf(child: ChildProcess, program: string): Promise<{ problem?: DecryptError }> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-STDERR_CHARACTERS);
  });
  return new Promise((resolve) => {
    child.on('error', (cause: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve({ problem: notStarted(program, cause) });
    });
    // Not `close`: what the program has started may keep its pipes open for as long as it lives.
    child.on('exit', (code, signal) => {
      if (code === 0) return resolve({});
      const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
      const tell = () => {
        const last = said.trim().split(/\r?\n/).at(-1);
        resolve({ problem: new DecryptError(`${program} ${how}${last ? `: ${last}` : ''}`) });
      };
      const timer = setTimeout(tell, GRACE_MS);
      child.on('close', () => {
        clearTimeout(timer);
        tell();
      });
    });
  });
}

function notStarted(program: string, cause: NodeJS.ErrnoException): DecryptError {
  const hint =
    'Install it, or correct decrypt.command of this source: the program first, then its arguments.';
  if (cause.code === 'ENOENT') return new DecryptError(`there is no program ${program}`, { hint, cause });
  return new DecryptError(`the program ${program} cannot be started (${cause.code})`, { hint, cause });
}

/** Ends a program that still runs, and after a while in the hard way; what it has started may hold on to its pipes. */
function end(child: ChildProcess): void {
  if (child.pid === undefined) return;
  if (isOver(child)) {
    letGo(child);
    return;
  }
  child.kill();
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    letGo(child);
  }, GRACE_MS);
  child.on('close', () => clearTimeout(timer));
}

function isOver({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function letGo({ stdin, stdout, stderr }: ChildProcess): void {
  for (const pipe of [stdin, stdout, stderr]) pipe?.destroy();
}
