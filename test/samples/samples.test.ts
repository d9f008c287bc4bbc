import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseExportDocument } from '../../src/feeds/documents/parse.ts';
import { parsePath } from '../../src/feeds/paths.ts';
import { oddities } from '../../src/samples/oddities.ts';
import { type SampleSummary, writeSampleFeeds } from '../../src/samples/samples.ts';
import { NaiveWarehouse, RULES } from './naive-dedup.ts';
import { folderOf, linesOf, readTree } from './tree.ts';

let directory: string;
let summary: SampleSummary;
let tree: Map<string, Buffer>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'samples-'));
  summary = await writeSampleFeeds(join(directory, 'default'));
  tree = await readTree(join(directory, 'default'));
});

afterAll(() => rm(directory, { recursive: true }));

/** `messaging/convos_metrics/version=1/…` is of `messaging.convos_metrics`. */
function feedOf(path: string): string {
  return path.split('/').slice(0, 2).join('.');
}

function isSealed(path: string): boolean {
  return tree.has(`${folderOf(path)}/_SUCCESS`);
}

function dataFiles(feed?: string): string[] {
  return [...tree.keys()].filter((path) => !path.endsWith('/_SUCCESS') && (!feed || feedOf(path) === feed));
}

function sealedLines(feed?: string): string[] {
  return dataFiles(feed)
    .filter(isSealed)
    .flatMap((path) => linesOf(path, tree.get(path) as Buffer));
}

/** The rows of a feed, with numbers as JavaScript reads them. */
function rowsOf(feed: string): Record<string, unknown>[] {
  return sealedLines(feed)
    .map(parsed)
    .filter((row) => row !== undefined);
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

describe('the tree of sample feeds', () => {
  test('is the same bytes for the same seed, and others for another', async () => {
    const write = async (name: string, seed: number) => {
      await writeSampleFeeds(join(directory, name), { days: 1, conversationsPerDay: 20, seed });
      return readTree(join(directory, name));
    };
    const [once, again, other] = [await write('once', 7), await write('again', 7), await write('other', 8)];
    expect(again).toEqual(once);
    expect(other).not.toEqual(once);
  });

  test('is small enough for a demo', () => {
    const raw = dataFiles().flatMap((path) => linesOf(path, tree.get(path) as Buffer));
    expect(raw.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0)).toBeLessThan(12_000_000);
    expect(summary.files).toBeLessThan(3000);
  });

  test('has as many files and bytes as the summary says', () => {
    expect(tree.size).toBe(summary.files);
    expect([...tree.values()].reduce((sum, content) => sum + content.length, 0)).toBe(summary.bytes);
    expect(new Set([...tree.keys()].map(feedOf)).size).toBe(summary.feeds);
  });

  test('keeps to the layout of the vendor', () => {
    for (const path of tree.keys()) {
      const [group, ...rest] = path.split('/');
      expect(['messaging', 'ai_services']).toContain(group);
      expect(parsePath(rest.join('/')), path).not.toMatchObject({ kind: 'misfit' });
    }
  });

  test('has hourly, daily and quarter-hourly exports, compressed and split ones', () => {
    const paths = dataFiles();
    expect(paths).toContainEqual(
      expect.stringMatching(/^messaging\/convos_metrics\/.*\/dt=2026-01-05\/hr=\d\d\/c/),
    );
    expect(paths).toContainEqual(expect.stringMatching(/^messaging\/reps\/.*\/dt=2026-01-07\/reps\.jsonl$/));
    expect(paths).toContainEqual(
      expect.stringMatching(/^messaging\/queue_wfm\/.*\/hr=09\/mi=45\/queue_wfm\.jsonl$/),
    );
    expect(paths).toContainEqual(expect.stringMatching(/convos_metadata\.jsonl\.gz$/));
    expect(paths).toContainEqual(expect.stringMatching(/utterances\.jsonl\.02\.gz$/));
    expect(paths).toContainEqual(expect.stringMatching(/\.jsonl\.02$/));
  });

  test('closes every partition but the newest of one feed', () => {
    const open = new Set(
      dataFiles()
        .filter((path) => !isSealed(path))
        .map(folderOf),
    );
    expect([...open]).toEqual(['messaging/utterances/version=1/format=jsonl/dt=2026-01-07/hr=23']);
  });

  test('has sealed partitions without a file', () => {
    const withFiles = new Set(dataFiles().map(folderOf));
    const empty = [...tree.keys()].filter(
      (path) => path.endsWith('/_SUCCESS') && !withFiles.has(folderOf(path)),
    );
    expect(empty.length).toBeGreaterThan(10);
    for (const path of empty) expect(tree.get(path)).toHaveLength(0);
  });
});

describe('the sample rows', () => {
  test('are JSON, all but one line, which was cut off', () => {
    const broken = sealedLines().filter((line) => !parsed(line));
    expect(broken).toHaveLength(1);
    expect(summary.brokenLines).toBe(1);
    expect(broken[0]).toMatch(/^\{"instance_ts"/);
    expect(summary.rows).toBe(sealedLines().length - 1);
    expect(sealedLines(oddities.broken.feed)).toContain(broken[0]);
  });

  test('have all of the published columns, and one that is not published', async () => {
    const unpublished: string[] = [];
    const undeclared: string[] = [];
    for (const group of ['messaging', 'ai_services']) {
      const text = await readFile(new URL(`../../schemas/${group}.yaml`, import.meta.url), 'utf8');
      const documents = parseExportDocument(text, `${group}.yaml`).document.feeds;
      for (const feed of Object.keys(RULES).filter((name) => name.startsWith(`${group}.`))) {
        const columns = documents.find(({ name }) => `${group}.${name}` === feed)?.columns ?? [];
        const published = new Set(columns.map(({ name }) => name));
        if (published.size === 0) unpublished.push(feed);
        else
          for (const row of rowsOf(feed)) {
            const others = Object.keys(row).filter((column) => !published.has(column));
            undeclared.push(...others.map((column) => `${feed}.${column}`));
            expect(new Set(Object.keys(row)), feed).toEqual(new Set([...published, ...others]));
          }
      }
    }
    expect(unpublished).toEqual(['messaging.export_row_counts', 'messaging.queue_wfm']);
    const { feed, column } = oddities.undeclared;
    expect(new Set(undeclared)).toEqual(new Set([`${feed}.${column}`]));
    expect(undeclared.length).toBeLessThan(rowsOf(feed).length / 4);
  });

  test('hold one value that does not fit its column', () => {
    const { feed, column, value } = oddities.misfit;
    expect(rowsOf(feed).filter((row) => typeof row[column] === 'string')).toHaveLength(1);
    expect(rowsOf(feed).filter((row) => row[column] === value)).toHaveLength(1);
  });

  test('name issues with integers that a double would merge', () => {
    const ids = sealedLines('messaging.convos_metrics').map(
      (line) => /"issue_id":(\d+)/.exec(line)?.[1] as string,
    );
    const exact = new Set(ids);
    expect(exact.size).toBe(summary.distinctRecords['messaging.convos_metrics']);
    expect(new Set([...exact].map(Number)).size).toBeLessThan(exact.size);
  });

  test('spell instants in each of the documented ways', () => {
    const spelled = (feed: string, column: string) => rowsOf(feed)[0]?.[column];
    expect(spelled('messaging.convos_metrics', 'first_utterance_ts')).toMatch(
      /^2026-01-05T\d\d:\d\d:\d\d\+00:00$/,
    );
    expect(spelled('messaging.utterances', 'created_ts')).toMatch(
      /^2026-01-05T\d\d:\d\d:\d\d\.\d{6}\+00:00$/,
    );
    expect(spelled('messaging.convos_metadata', 'last_event_ts')).toMatch(/^2026-01-05 \d\d:\d\d:\d\d$/);
    expect(spelled('messaging.live_agent_opportunities', 'opportunity_ts')).toMatch(
      /^2026-01-05 \d\d:\d\d:\d\d\.\d{3}$/,
    );
    expect(spelled('messaging.queue_wfm', 'instance_ts')).toMatch(/^2026-01-05T\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(spelled('messaging.customer_feedback', 'instance_ts')).toMatch(
      /^2026-01-05T\d\d:\d\d:\d\d\.\d{3}\+02:00$/,
    );
    expect(spelled('ai_services.autosummary_free_text', 'instance_ts')).toMatch(
      /^2026-01-05 [\d:]{8}\.\d{6}\+00:00$/,
    );
    expect(spelled('ai_services.staging_conversation_state', 'first_event_ts')).toMatch(/T[\d:]{8}\.\d{9}Z$/);
  });

  test('carry flags as 0 and 1 and as false and true', () => {
    const flags = new Set(rowsOf('messaging.convos_metrics').map(({ assisted }) => assisted));
    expect(flags).toEqual(new Set([0, 1, false, true]));
  });
});

describe('the sample records', () => {
  test('are as many as a plain dedup finds, feed by feed', async () => {
    await using warehouse = await NaiveWarehouse.create();
    const found: Record<string, number> = {};
    for (const feed of Object.keys(RULES)) {
      const files = dataFiles(feed)
        .filter(isSealed)
        .map((path) => join(directory, 'default', path));
      await warehouse.load(feed, files);
      found[feed] = Number((await warehouse.query(`SELECT count(*)::INT AS n FROM ${feed}`))[0]?.n);
    }
    expect(found).toEqual(summary.distinctRecords);
  });

  test('come more than once in every feed, also within one partition', () => {
    for (const [feed, records] of Object.entries(summary.distinctRecords))
      expect(rowsOf(feed).length, feed).toBeGreaterThan(records);
    const twice = dataFiles('messaging.convos_metrics').filter((path) => {
      const ids = linesOf(path, tree.get(path) as Buffer).map((line) => /"issue_id":(\d+)/.exec(line)?.[1]);
      return new Set(ids).size < ids.length;
    });
    expect(twice.length).toBeGreaterThan(5);
  });

  test('of conversations grow from one version to the next', () => {
    const versions = new Map<string, Record<string, unknown>[]>();
    for (const line of sealedLines('messaging.convos_metrics')) {
      // Not JSON.parse's idea of the id: that merges two issues.
      const id = /"issue_id":(\d+)/.exec(line)?.[1] as string;
      versions.set(id, [...(versions.get(id) ?? []), parsed(line) as Record<string, unknown>]);
    }
    const sent = (row: Record<string, unknown>) => Number(row.customer_sent_msgs) + Number(row.rep_sent_msgs);
    for (const rows of versions.values())
      for (const [index, row] of rows.slice(1).entries())
        expect(sent(row)).toBeGreaterThanOrEqual(sent(rows[index] as Record<string, unknown>));
    expect([...versions.values()].filter((rows) => new Set(rows.map(sent)).size > 1).length).toBeGreaterThan(
      50,
    );
  });
});

test('export_row_counts holds what was exported, partition by partition', () => {
  const said = new Map(
    rowsOf('messaging.export_row_counts').map((row) => [
      `${row.export_job}/version=1/format=jsonl/dt=${row.export_date}${row.export_interval === 'day' ? '' : `/${row.export_interval}`}`,
      row.exported_rows,
    ]),
  );
  const counted = new Map<string, number>();
  for (const path of tree.keys()) {
    if (!path.startsWith('messaging/') || path.includes('/export_row_counts/') || !isSealed(path)) continue;
    const folder = folderOf(path).slice('messaging/'.length);
    counted.set(folder, (counted.get(folder) ?? 0) + linesOf(path, tree.get(path) as Buffer).length);
  }
  expect(said).toEqual(counted);
});
