import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { PROGRAM } from '../support/build.ts';
import { asapp } from '../support/command.ts';
import { Project } from '../support/project.ts';

/** Passes the first bytes on, which then lie decrypted in the folder, and waits for more than will come. */
const STUCK = `sources:
  messaging:
    connector: local
    path: ./feeds
    decrypt: {command: [${process.execPath}, -e, 'process.stdin.pipe(process.stdout, { end: false }); setInterval(() => {}, 1000)']}
`;

let project: Project;

/** What of decrypted text lies in the landing folder. */
const decrypted = async () => (await readdir(project.path('landing'))).filter((name) => /jsonl/.test(name));

/** Loads until a file lies there decrypted, then sends a signal. */
async function loadUntilDecrypted(signal: NodeJS.Signals): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, 'load'], { cwd: project.folder, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await expect.poll(() => decrypted().catch(() => []), { timeout: 60_000 }).not.toEqual([]);
  child.kill(signal);
  await ended;
}

describe('what was decrypted', { timeout: 180_000 }, () => {
  beforeEach(async () => {
    project = await Project.create(STUCK);
    await project.partition('voice_intents', '2026-01-09 07', { '.enc': Buffer.from('{"issue_id":1}\n') });
    return () => project[Symbol.asyncDispose]();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('is gone when a run is ended by %s', async (signal) => {
    await loadUntilDecrypted(signal);
    expect(await decrypted()).toEqual([]);
  });

  it('and was left by a killed run is removed by whichever command comes next', async () => {
    for (const command of [['build'], ['verify'], ['schema', 'diff']]) {
      await loadUntilDecrypted('SIGKILL');
      expect(await decrypted()).toHaveLength(1);
      await asapp(project, command);
      expect(await decrypted(), command.join(' ')).toEqual([]);
    }
  });
});
