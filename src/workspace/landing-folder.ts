import { readdirSync, rmSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** How long the beginning of an interrupted download is kept for the next run to go on from. */
const KEEP_PARTIAL_MS = 7 * 24 * 3600 * 1000;

/** The folder may be one that a person named: only files that are ours go. */
const OURS = /^([0-9a-f]{32}\.(raw|jsonl)|columns-\d+\.jsonl)(\.part)?$/;

/**
 * Rids the landing folder of what a run left, but for downloads that can go on: those are as they were delivered, and
 * nothing that was decrypted may outlive its run. Only for whoever holds the warehouse: files of a run that goes on lie
 * there, too. What this user may not remove stays, and is no reason to fail: it is whoever loads that must be able to.
 */
export async function sweepLanding(folder: string, now: Date): Promise<void> {
  for (const name of (await readdir(folder).catch(() => [])).filter((each) => OURS.test(each))) {
    const file = join(folder, name);
    if (!(await canGoOn(file, now))) await rm(file, { force: true }).catch(() => {});
  }
}

const inUse = new Set<string>();

/**
 * Has the folder swept, but for downloads, when this process ends by itself, be it in the middle of things.
 * @returns what takes that back
 */
export function sweepLandingAtExit(folder: string): () => void {
  if (inUse.size === 0) process.once('exit', sweepAll);
  inUse.add(folder);
  return () => {
    inUse.delete(folder);
    if (inUse.size === 0) process.off('exit', sweepAll);
  };
}

function sweepAll(): void {
  for (const folder of inUse) {
    try {
      for (const name of readdirSync(folder))
        if (OURS.test(name) && !isDownload(name)) rmSync(join(folder, name), { force: true });
    } catch {
      // Whoever comes next sweeps again.
    }
  }
}

async function canGoOn(file: string, now: Date): Promise<boolean> {
  const found = isDownload(file) && (await stat(file).catch(() => undefined));
  return found ? now.getTime() - found.mtimeMs < KEEP_PARTIAL_MS : false;
}

function isDownload(name: string): boolean {
  return name.endsWith('.raw.part');
}
