import { cp, mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BenchContext } from './bench.ts';
import { FEEDS, writeExport, yearOfExports } from './idle.ts';
import { summarize } from './measurement.ts';
import { type CommandRun, Project } from './project.ts';
import { inTurn } from './rounds.ts';

/** An hour of a working day in the sample feeds: 18 files of 15 feeds, 243 kB. */
const DAY = 'dt=2026-01-07';
const HOUR = 'hr=15';

/**
 * `run` where the data is small, as in every hour of a real day: its CPU time for a first load of the sample feeds, for
 * an ordinary hour, and for nothing new; and for an hour of 43 feeds with a year behind them.
 */
export async function hour(context: BenchContext): Promise<void> {
  await sampleHours(context);
  await hourAfterYear(context);
}

async function sampleHours({ folder, report, note }: BenchContext): Promise<void> {
  const project = await Project.ofSamples(join(folder, 'samples'));
  note('first load, an hour and nothing new');
  const [first] = (await inTurn(async () => {
    await project.reset();
    return project.run('run', '--quiet');
  })) as [CommandRun[]];
  report({ what: 'run: first load of the sample feeds', ...aim(first, 3) });

  const aside = join(folder, 'aside');
  const exports = await takeAway(project.feeds, aside);
  await project.reset();
  await project.run('run', '--quiet');
  await project.keep();
  for (const path of exports)
    await cp(join(aside, path), join(project.feeds, path), { recursive: true, preserveTimestamps: true });
  const [ordinary, nothing] = (await inTurn(
    async () => {
      await project.restore();
      return project.run('run', '--quiet');
    },
    () => project.run('run', '--quiet'),
  )) as [CommandRun[], CommandRun[]];
  report({ what: 'run: an ordinary hour into the sample feeds', ...aim(ordinary, 1.2) });
  report({ what: 'run: nothing new in the sample feeds', ...aim(nothing, 0.5) });
}

async function hourAfterYear({ folder, scale, report, note }: BenchContext): Promise<void> {
  const { project, feeds, hours, partitions } = await yearOfExports(join(folder, 'year'), scale, note);
  await project.keep();
  for (const feed of feeds) await writeExport(project.feeds, feed, hours);
  note(`an hour of ${FEEDS} feeds`);
  const [runs] = (await inTurn(async () => {
    await project.restore();
    return project.run('run', '--quiet');
  })) as [CommandRun[]];
  report({ what: `run: an hour of ${FEEDS} feeds, ${partitions} partitions before`, ...aim(runs, 2) });
}

/** Takes the exports of the hour and of those after it out of the feeds. @returns those of the hour itself */
async function takeAway(feeds: string, aside: string): Promise<string[]> {
  const folders = await readdir(feeds, { recursive: true });
  const taken = folders.filter((path) => dirname(path).endsWith(DAY) && path.slice(-HOUR.length) >= HOUR);
  for (const path of taken) {
    await mkdir(join(aside, dirname(path)), { recursive: true });
    await rename(join(feeds, path), join(aside, path));
  }
  return taken.filter((path) => path.endsWith(HOUR));
}

function aim(runs: readonly CommandRun[], target: number) {
  const { seconds, ...rest } = summarize(runs);
  return { seconds: seconds as number, ...rest, measure: 'cpu_seconds', target } as const;
}
