import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Random } from '../../src/samples/random.ts';
import { writeSampleFeeds } from '../../src/samples/samples.ts';
import { PROGRAM } from '../support/build.ts';
import { differences } from '../support/differences.ts';
import { Project, reading } from '../support/project.ts';
import { unlike } from '../support/published.ts';

const KILLS = 20;
const SEED = Number(process.env.KILL_SEED ?? 1);

/** Feeds of all kinds: compressed, quarter-hourly, without published columns, with broken lines and odd fields. */
const CONFIG = `max_rejected_rows: 10
threads: 1
sources:
  messaging:
    connector: local
    path: ./feeds/messaging
    feeds: [convos_metadata, export_row_counts, live_agent_opportunities, queue_wfm]
`;
/** Partitions come in so many deliveries, most of them in their order. */
const DELIVERIES = 10;

test('a run that was killed at any moment is made good by the next one', { timeout: 180_000 }, async () => {
  const random = new Random(SEED);
  await using deliveries = await Deliveries.create(random);
  await using killed = await Project.create(CONFIG);
  await using reference = await Project.create(CONFIG);
  reference.now = new Date();

  const errors: string[] = [];
  let kills = 0;
  for (let number = 0; kills < KILLS || number < DELIVERIES; number += 1) {
    await deliveries.deliver(number, [killed, reference]);
    if (number % 3 === 2) await reference.run();
    for (let again = 0; again < 2 && kills < KILLS; again += 1) {
      const publishing = kills % 4 === 3;
      const died = await runAndKill(
        killed,
        publishing ? 'publishing' : random.int(0, 8),
        random.int(0, 60),
        errors,
      );
      if (!died) break;
      kills += 1;
    }
  }
  expect([0, 3]).toContain(await commandIn(killed).exit);
  await reference.run();

  expect(errors).toEqual([]);
  expect(await differences(killed.path('warehouse.duckdb'), reference.path('warehouse.duckdb'))).toEqual([]);
  expect(await unlike(killed.path('published/warehouse.duckdb'), killed.path('warehouse.duckdb'))).toEqual(
    [],
  );
  expect(await readdir(killed.path('published'))).toEqual(['warehouse.duckdb']);
  expect(await readdir(killed.path('landing'))).toEqual([]);
  const runs = await killed.loader('SELECT status, count(*) AS runs FROM ops.runs GROUP BY ALL');
  expect(runs.map(({ status }) => status)).not.toContain('running');
});

/** Sample feeds that come bit by bit, some late, some again and changed. */
class Deliveries implements AsyncDisposable {
  readonly #folder: string;
  readonly #partitions: string[][];
  readonly #random: Random;

  private constructor(folder: string, partitions: string[][], random: Random) {
    this.#folder = folder;
    this.#partitions = partitions;
    this.#random = random;
  }

  static async create(random: Random): Promise<Deliveries> {
    const folder = await mkdtemp(join(tmpdir(), 'deliveries-'));
    await writeSampleFeeds(folder, { days: 1, conversationsPerDay: 40 });
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    const folders = new Set(files.filter((file) => file.isFile()).map(({ parentPath }) => parentPath));
    const timeOf = (path: string) => path.slice(path.indexOf('/dt='));
    const sorted = [...folders].map((path) => path.slice(folder.length + 1)).sort();
    sorted.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1));
    const partitions: string[][] = Array.from({ length: DELIVERIES }, () => []);
    for (const [index, partition] of sorted.entries()) {
      const inOrder = Math.floor((index / sorted.length) * DELIVERIES);
      const late = random.chance(0.1) ? random.int(0, 3) : 0;
      partitions[Math.min(inOrder + late, DELIVERIES - 1)]?.push(partition);
    }
    return new Deliveries(folder, partitions, random);
  }

  /** The same files, modification times and all, come to every project. */
  async deliver(number: number, projects: readonly Project[]): Promise<void> {
    const partitions = [...(this.#partitions[number] ?? [])];
    const earlier = this.#random.pick(this.#partitions.slice(0, number).flat().concat(partitions));
    if (await this.#change(earlier)) partitions.push(earlier);
    for (const partition of partitions) {
      for (const name of await readdir(join(this.#folder, partition))) {
        for (const project of projects) {
          const file = project.path('feeds', partition, name);
          await mkdir(dirname(file), { recursive: true });
          await rm(file, { force: true });
          await link(join(this.#folder, partition, name), file);
        }
      }
    }
  }

  /** Exports a partition again, without one of its lines. */
  async #change(partition: string): Promise<boolean> {
    const name = (await readdir(join(this.#folder, partition))).find((one) => one !== '_SUCCESS');
    if (name === undefined) return false;
    const file = join(this.#folder, partition, name);
    const bytes = await readFile(file);
    const lines = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n');
    const text = Buffer.from(lines.toSpliced(this.#random.int(0, lines.length - 1), 1).join('\n'));
    await rm(file);
    await writeFile(file, name.endsWith('.gz') ? gzipSync(text) : text);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function commandIn(project: Project) {
  const child = spawn(process.execPath, [PROGRAM, 'run', '--log-format', 'json'], {
    cwd: project.folder,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, exit };
}

/**
 * Runs the command and kills it.
 * @param moment after so many lines of its log, or as soon as it writes the copy for analysts
 * @param delay and so many milliseconds more
 * @param errors gets the errors that it logs
 * @returns whether it was killed before it had ended by itself
 */
async function runAndKill(
  project: Project,
  moment: number | 'publishing',
  delay: number,
  errors: string[],
): Promise<boolean> {
  const { child, exit } = commandIn(project);
  let over = false;
  exit.then(() => {
    over = true;
  });
  let lines = 0;
  const log = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  const reached = new Promise<void>((resolve) => {
    if (moment === 0) sleep(delay * 10).then(resolve);
    log.on('line', (line) => {
      if (JSON.parse(line).level === 'error') errors.push(line);
      lines += 1;
      if (lines === moment) resolve();
    });
  });
  const isPublishing = async () => {
    while (!over && !(await hasUnfinishedCopy(project))) await sleep(1);
  };
  const watching = watch(project, () => over);
  await Promise.race([exit, moment === 'publishing' ? isPublishing() : reached]);
  await Promise.race([exit, sleep(delay)]);
  child.kill('SIGKILL');
  const code = await exit;
  await watching;
  return code === null;
}

async function hasUnfinishedCopy(project: Project): Promise<boolean> {
  const names = await readdir(project.path('published')).catch(() => []);
  return names.some((name) => name.endsWith('.tmp'));
}

/** Opens the published file again and again while a run goes on: it is whole whenever that is. */
async function watch(project: Project, over: () => boolean): Promise<void> {
  const file = project.path('published/warehouse.duckdb');
  while (!over()) {
    if (existsSync(file)) {
      await reading(file, async (session) => {
        expect(await session.rows('SELECT name FROM ops.conservation WHERE NOT holds')).toEqual([]);
        const built = await session.rows<{ model: string; rows_kept: number }>(
          `SELECT model, rows_kept FROM ops.model_runs WHERE status = 'built'
           QUALIFY row_number() OVER (PARTITION BY model ORDER BY run_id DESC) = 1`,
        );
        expect(built).not.toEqual([]);
        for (const { model, rows_kept } of built) {
          expect(await session.rows(`SELECT count(*) AS rows FROM ${model}`)).toEqual([{ rows: rows_kept }]);
        }
      });
    }
    await sleep(250);
  }
}
