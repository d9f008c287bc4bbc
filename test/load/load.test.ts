import { createHash } from 'node:crypto';
import { appendFileSync, rmSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Source } from '../../src/config/config.ts';
import type { Connector } from '../../src/connectors/connector.ts';
import { local } from '../../src/connectors/local.ts';
import { SourceError, StorageError, UsageError } from '../../src/errors.ts';
import type { FileFailure } from '../../src/ledger/tables.ts';
import { fetchedAgainAt } from '../../src/load/back-off.ts';
import { silentReporter } from '../../src/reporter.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';
import { listen, NOW, Project, partitionFolder, said } from '../support/project.ts';

const day = (text: string) => new Date(`${text}T00:00:00Z`);
const record = (id: number) => ({ issue_id: id, voice_intent_code: 'X', company_name: 'acme' });

/** The times of the partitions whose rows are staged, as `01-05 07`. */
async function staged(project: Project, feed = 'voice_intents'): Promise<string[]> {
  const rows = await project.loader<{ time: string }>(
    `SELECT DISTINCT strftime(_partition_ts, '%m-%d %H') AS time FROM staging_messaging.${feed} ORDER BY time`,
  );
  return rows.map(({ time }) => time);
}

async function states(project: Project): Promise<Record<string, string>> {
  const rows = await project.loader<{ time: string; state: string }>(
    `SELECT strftime(partition_ts, '%m-%d %H') AS time, state FROM ops.partitions WHERE state <> 'missing' ORDER BY time`,
  );
  return Object.fromEntries(rows.map(({ time, state }) => [time, state]));
}

/** Changes the loader's own warehouse behind its back. */
async function changed(project: Project, sql: string): Promise<void> {
  await using warehouse = await Warehouse.open(project.path('warehouse.duckdb'));
  await (await warehouse.session()).run(sql);
}

/** A folder as a place whose every call a test can hear, and spoil. */
function place(project: Project, spoil: Partial<Connector> = {}): { sources: Source[]; listed: string[] } {
  const listed: string[] = [];
  const open = async (): Promise<Connector> => {
    const folder = await local.open({ root: project.path('feeds') });
    return {
      location: 'far://away',
      seal: 'marker',
      entries: (path) => folder.entries(path),
      files: (path, from) => {
        listed.push(`${path}${from === undefined ? '' : ` from ${from}`}`);
        return folder.files(path, from);
      },
      fetch: (file, partial, options) => folder.fetch(file, partial, options),
      [Symbol.asyncDispose]: async () => {},
      ...spoil,
    };
  };
  return {
    sources: [{ name: 'messaging', group: 'messaging', connector: 'local', options: {}, open }],
    listed,
  };
}

/** Every file below a folder with a hash of its bytes. */
async function contents(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: Record<string, string> = {};
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const { mtimeMs } = await stat(path);
    const bytes = entry.isFile() ? await readFile(path) : '';
    found[path.slice(folder.length + 1)] = `${mtimeMs} ${createHash('sha256').update(bytes).digest('hex')}`;
  }
  return found;
}

describe('the look-back', () => {
  test('is the whole history at first, then some days before the newest loaded partition', async () => {
    await using project = await Project.create();
    const { sources, listed } = place(project);
    await using listening = await Project.create(undefined, sources);
    await project.partition('voice_intents', '2025-03-01 07', [record(1)]);
    await project.partition('voice_intents', '2026-01-09 23', [record(2)]);
    await listening.load();
    await listening.load();
    expect(listed).toEqual([
      'voice_intents/version=1/format=jsonl',
      'voice_intents/version=1/format=jsonl from dt=2026-01-02',
    ]);
    expect(await staged(listening)).toEqual(['01-09 23', '03-01 07']);
  });

  test('reaches as far as look_back_days says, and not a day further', async () => {
    await using project = await Project.create(
      'look_back_days: 2\nsources: {messaging: {connector: local, path: feeds}}',
    );
    await project.partition('voice_intents', '2026-01-09 12', [record(1)]);
    await project.load();
    await project.partition('voice_intents', '2026-01-07 00', [record(2)]);
    await project.partition('voice_intents', '2026-01-06 23', [record(3)]);
    await project.load();
    expect(await staged(project)).toEqual(['01-07 00', '01-09 12']);
  });

  test('is counted for each feed by itself', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-09 12', [record(1)]);
    await project.partition('issue_sentiment', '2025-06-01', [{ issue_id: 1 }]);
    await project.load();
    await project.partition('issue_sentiment', '2025-06-02', [{ issue_id: 1 }]);
    await project.partition('reps', '2025-01-01', [{ rep_id: 'new here' }]);
    await project.load();
    expect(await staged(project, 'issue_sentiment')).toEqual(['06-01 00', '06-02 00']);
    expect(await staged(project, 'reps')).toEqual(['01-01 00']);
  });

  test('does not hide partitions that were seen before and are not loaded yet', async () => {
    await using project = await Project.create();
    const text = gzipSync('{"issue_id":3}\n');
    await project.partition('voice_intents', '2025-03-01 07', [record(1)], { sealed: false });
    await project.partition('voice_intents', '2025-03-02 07', { '.gz': text.subarray(0, 20) });
    await project.partition('voice_intents', '2026-01-09 12', [record(2)]);
    await project.load();
    expect(await states(project)).toEqual({
      '01-09 12': 'loaded',
      '03-01 07': 'unsealed',
      '03-02 07': 'sealed',
    });
    await project.partition('voice_intents', '2025-03-01 07', [record(1)]);
    await project.partition('voice_intents', '2025-03-02 07', { '.gz': text });
    await project.load();
    expect(await states(project)).toEqual({
      '01-09 12': 'loaded',
      '03-01 07': 'loaded',
      '03-02 07': 'loaded',
    });
    expect(await staged(project)).toEqual(['01-09 12', '03-01 07', '03-02 07']);
  });

  test('does not hide what a killed first run had not come to', async () => {
    await using project = await Project.create();
    for (let date = 1; date <= 20; date += 1) {
      const time = `2025-12-${String(date).padStart(2, '0')} 07`;
      if (date === 2) await project.partition('voice_intents', time, { '.gz': Buffer.from('broken') });
      else if (date === 20) await project.partition('voice_intents', time, {});
      else await project.partition('voice_intents', time, [record(date)]);
    }
    // The broken file is reported when the batch is about to be staged.
    project.reporter = listen({
      warn: () => {
        throw new StorageError('killed');
      },
    });
    await expect(project.load()).rejects.toThrow('killed');
    project.reporter = listen();
    await project.load();
    expect((await staged(project)).length).toBe(18);
  });

  test('gives way to --since and --until, which include their days', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-09 12', [record(1)]);
    await project.load();
    for (const time of ['2025-11-30 23', '2025-12-01 00', '2025-12-02 23', '2025-12-03 00'])
      await project.partition('voice_intents', time, [record(2)]);
    await project.load({ since: day('2025-12-01'), until: day('2025-12-02') });
    expect(await staged(project)).toEqual(['01-09 12', '12-01 00', '12-02 23']);
    await project.load({ since: day('2025-12-01') });
    expect(await staged(project)).toEqual(['01-09 12', '12-01 00', '12-02 23', '12-03 00']);
    await project.load();
    expect(await staged(project)).not.toContain('11-30 23');
  });
});

describe('a load', () => {
  const TWO = `sources:
  messaging: {connector: local, path: feeds/a}
  archive: {connector: local, path: feeds/b, group: messaging}
`;

  test('with --source loads only that source', async () => {
    await using project = await Project.create(TWO);
    await project.partition('voice_intents', '2026-01-09 07', [record(1)], { root: 'feeds/a' });
    await project.partition('voice_intents', '2026-01-09 08', [record(2)], { root: 'feeds/b' });
    await project.load({ source: ['archive'] });
    expect(await staged(project)).toEqual(['01-09 08']);
    await project.load();
    expect(await staged(project)).toEqual(['01-09 07', '01-09 08']);
  });

  test('with --source refuses a source that there is not', async () => {
    await using project = await Project.create(TWO);
    const failure = await project.load({ source: ['archiv'] }).catch((error) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure.message).toMatch(/there is no source named archiv/);
    expect(`${failure.message} ${failure.hint}`).toMatch(/messaging, archive/);
  });

  test('with --feed loads only that feed, in every version', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-09 07', [record(1)]);
    await project.partition('voice_intents', '2026-01-09 07', [record(1)], { version: '2' });
    await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
    await project.load({ feed: ['voice_intents'] });
    const tables = await project.loader(
      "SELECT table_name AS t FROM duckdb_tables() WHERE schema_name LIKE 'staging%'",
    );
    expect(tables.map(({ t }) => t).sort()).toEqual(['voice_intents', 'voice_intents__v2']);
  });

  test('with several --feed loads them all, named as their folders are or as status shows them', async () => {
    await using project = await Project.create();
    for (const feed of ['voice_intents', 'reps', 'transfers'])
      await project.partition(feed, '2026-01-09 07', [record(1)]);
    await project.load({ feed: ['voice_intents', 'messaging.reps'] });
    const tables = await project.loader(
      "SELECT table_name AS t FROM duckdb_tables() WHERE schema_name LIKE 'staging%'",
    );
    expect(tables.map(({ t }) => t).sort()).toEqual(['reps', 'voice_intents']);
  });

  test('with --feed refuses a feed that there is not, since an empty answer would look like good news', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-09 07', [record(1)]);
    for (const feed of ['nothing_like_it', 'phones.voice_intents', 'messaging.nothing'])
      await expect(project.load({ feed: ['voice_intents', feed] })).rejects.toThrow(
        `no source has a feed named ${feed}`,
      );
  });

  test('with --full-refresh stages every file again, and every row once', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2025-03-01 07', [record(1), '{"issue_id":']);
    await project.partition('voice_intents', '2026-01-09 07', { '.01': [record(2)], '.02': [record(3)] });
    await project.load();
    const before = await project.loader('SELECT issue_id FROM staging_messaging.voice_intents ORDER BY ALL');
    const { loaded } = await project.load({ fullRefresh: true });
    expect(loaded).toMatchObject({ files: 3, rows: 3, rejected: 1 });
    expect(await project.loader('SELECT issue_id FROM staging_messaging.voice_intents ORDER BY ALL')).toEqual(
      before,
    );
    expect(
      await project.loader('SELECT count(*) AS files FROM ops.files WHERE superseded_by IS NULL'),
    ).toEqual([{ files: 3 }]);
    expect(
      await project.loader('SELECT count(*) AS open FROM ops.rejected_rows WHERE resolved_at IS NULL'),
    ).toEqual([{ open: 1 }]);
  });

  test('takes only the feeds that feeds: names, and reports one that is not there', async () => {
    await using project = await Project.create(
      'sources: {messaging: {connector: local, path: feeds, feeds: [reps, voice_intentz]}}',
    );
    await project.partition('voice_intents', '2026-01-09 07', [record(1)]);
    await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
    const { exitCode, attention } = await project.load();
    expect(await project.loader('SELECT DISTINCT feed FROM ops.files')).toEqual([{ feed: 'reps' }]);
    expect(exitCode).toBe(3);
    expect(attention).toMatchObject([
      {
        kind: 'unknown_feed',
        message: 'messaging has no feed named voice_intentz (did you mean "voice_intents"?)',
      },
    ]);
  });

  test('fetches the next feeds while one is on its way, and stages what came before a failure', async () => {
    await using project = await Project.create();
    const folder = await local.open({ root: project.path('feeds') });
    let hasFailed = false;
    let tellFailure = () => {};
    const failure = new Promise<void>((resolve) => {
      tellFailure = resolve;
    });
    const { sources } = place(project, {
      entries: (path) => {
        if (hasFailed) throw new SourceError('nobody answers', { retryable: true });
        return folder.entries(path);
      },
      fetch: async (file, partial, options) => {
        // The first feed comes only once the one behind it was asked for.
        if (file.path.startsWith('reps')) await failure;
        else {
          hasFailed = true;
          setImmediate(tellFailure);
          throw new SourceError('the line is down', { retryable: true });
        }
        await folder.fetch(file, partial, options);
      },
    });
    await using spoiled = await Project.create(undefined, sources);
    await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
    await project.partition('voice_intents', '2026-01-09 07', [record(1)]);
    expect(await spoiled.load()).toMatchObject({ exitCode: 1, loaded: { files: 1 } });
    expect(await staged(spoiled, 'reps')).toEqual(['01-09 00']);
  });
});

describe('a dry run', () => {
  async function withSomethingToDo(): Promise<Project> {
    const project = await Project.create();
    await project.partition('voice_intents', '2026-01-09 07', { '.01': [record(1)], '.02.gz': [record(2)] });
    await project.partition('voice_intents', '2026-01-09 08', [record(3)]);
    await project.partition('voice_intents', '2026-01-09 09', [record(4)], { sealed: false });
    await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
    await project.write('feeds/stray/x/y', '');
    return project;
  }

  test('says what there is to load, and writes nothing: no folder, no file', async () => {
    await using project = await withSomethingToDo();
    const before = await contents(project.folder);
    for (const dry of [project.load({ dryRun: true }), project.run({ dryRun: true })]) {
      const { loaded, exitCode, published } = await dry;
      expect(loaded?.planned).toEqual([
        {
          source: 'messaging',
          group: 'messaging',
          feed: 'reps',
          version: '1',
          partitions: 1,
          files: 1,
          bytes: 16,
        },
        {
          source: 'messaging',
          group: 'messaging',
          feed: 'voice_intents',
          version: '1',
          partitions: 2,
          files: 3,
          bytes: expect.any(Number),
        },
      ]);
      expect({ exitCode, published }).toEqual({ exitCode: 0, published: false });
      expect(await contents(project.folder)).toEqual(before);
    }
  });

  test('leaves a warehouse that is there as it was, byte for byte', async () => {
    await using project = await withSomethingToDo();
    await project.run();
    await project.partition('voice_intents', '2026-01-09 10', [record(5)]);
    const before = await contents(project.folder);
    const { loaded } = await project.run({ dryRun: true });
    expect(loaded?.planned).toMatchObject([{ feed: 'voice_intents', partitions: 1, files: 1 }]);
    await project.load({ dryRun: true, fullRefresh: true });
    await project.build({ dryRun: true, fullRefresh: true });
    expect(await contents(project.folder)).toEqual(before);
  });
});

describe('everything else is loaded despite', () => {
  test('a source that cannot be reached', async () => {
    await using project = await Project.create(`sources:
  archive: {connector: local, path: gone, group: messaging}
  messaging: {connector: local, path: feeds}
`);
    await project.partition('voice_intents', '2026-01-09 07', [record(1)]);
    const outcome = await project.run();
    expect(outcome).toMatchObject({ exitCode: 1, published: true });
    expect(said(outcome.attention)).toEqual([
      expect.stringMatching(/^source archive: the folder .*gone is not there$/),
    ]);
    expect(await staged(project)).toEqual(['01-09 07']);
    expect(await project.loader('SELECT status, exit_code, message FROM ops.runs')).toEqual([
      { status: 'failed', exit_code: 1, message: outcome.attention[0]?.message },
    ]);
  });

  test('a source whose connection breaks while it fetches', async () => {
    await using project = await Project.create();
    const folder = await local.open({ root: project.path('feeds') });
    let isDown = false;
    const { sources } = place(project, {
      entries: (path) => {
        if (isDown) throw new SourceError('nobody answers', { retryable: true });
        return folder.entries(path);
      },
      fetch: async (file, partial, options) => {
        isDown ||= file.path.startsWith('voice_intents');
        if (isDown) throw new SourceError('the line is down', { retryable: true });
        await folder.fetch(file, partial, options);
      },
    });
    await using spoiled = await Project.create(undefined, sources);
    await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
    await project.partition('voice_intents', '2026-01-09 07', [record(1)]);
    expect(await spoiled.load()).toMatchObject({
      exitCode: 1,
      attention: [{ kind: 'source_failed', message: 'source messaging: the line is down' }],
    });
    expect(await staged(spoiled, 'reps')).toEqual(['01-09 00']);
  });

  test('a single file that the source refuses', async () => {
    await using project = await Project.create();
    const folder = await local.open({ root: project.path('feeds') });
    const { sources } = place(project, {
      fetch: async (file, partial, options) => {
        if (file.path.endsWith('.02')) throw new SourceError(`access to ${file.path} is denied`);
        await folder.fetch(file, partial, options);
      },
    });
    await using spoiled = await Project.create(undefined, sources);
    const refused = `${await project.partition('voice_intents', '2026-01-09 07', {
      '.01': [record(1)],
      '.02': [record(2)],
    })}/voice_intents.jsonl.02`;
    await project.partition('voice_intents', '2026-01-09 08', [record(3)]);
    expect(await spoiled.load()).toMatchObject({ exitCode: 3, loaded: { files: 2, failedFiles: 1 } });
    expect(await states(spoiled)).toEqual({ '01-09 07': 'sealed', '01-09 08': 'loaded' });
    expect(await spoiled.loader('SELECT path, message FROM ops.file_failures')).toEqual([
      { path: refused, message: `access to ${refused} is denied` },
    ]);
  });

  test('files that the source refuses one after the other, and whose feed waits for the next run', async () => {
    await using project = await Project.create();
    const folder = await local.open({ root: project.path('feeds') });
    let asked = 0;
    const { sources } = place(project, {
      fetch: async (file, partial, options) => {
        if (file.path.startsWith('reps')) return folder.fetch(file, partial, options);
        asked += 1;
        throw new SourceError('access to the bucket is denied');
      },
    });
    await using spoiled = await Project.create(undefined, sources);
    for (let number = 0; number < 40; number += 1) {
      const time = `2026-01-0${1 + Math.floor(number / 20)} ${String(number % 20).padStart(2, '0')}`;
      await project.partition('attributes', time, [{ id: 1 }]);
    }
    await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
    const outcome = await spoiled.load();
    expect(outcome.exitCode).toBe(1);
    expect(outcome.loaded?.failedFeeds).toMatchObject([
      { source: 'messaging', feed: 'messaging.attributes' },
    ]);
    expect(asked).toBeLessThan(30);
    expect(await staged(spoiled, 'reps')).toEqual(['01-09 00']);
  });

  test('a feed that cannot be listed', async () => {
    await using project = await Project.create();
    const folder = await local.open({ root: project.path('feeds') });
    const { sources } = place(project, {
      entries: (path) => {
        if (path === 'chat') throw new SourceError('access to chat is denied');
        return folder.entries(path);
      },
      files: (path, from) => {
        if (path.startsWith('attributes')) throw new RangeError('Invalid time value');
        return folder.files(path, from);
      },
    });
    await using spoiled = await Project.create(undefined, sources);
    for (const feed of ['attributes', 'chat', 'voice_intents'])
      await project.partition(feed, '2026-01-09 07', [record(1)]);
    const outcome = await spoiled.load();
    expect(outcome.exitCode).toBe(1);
    expect(said(outcome.attention).toSorted()).toEqual([
      'feed messaging.attributes: Invalid time value',
      'feed messaging.chat: access to chat is denied',
    ]);
    expect(await staged(spoiled)).toEqual(['01-09 07']);
  });

  test('a feed whose table cannot be made', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-09 07', [record(1)]);
    await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
    await project.load();
    await changed(
      project,
      'DROP TABLE staging_messaging.reps; CREATE VIEW staging_messaging.reps AS SELECT 1 AS x',
    );
    await project.partition('reps', '2026-01-10', [{ rep_id: 'r2' }]);
    await project.partition('voice_intents', '2026-01-09 08', [record(2)]);
    const outcome = await project.load();
    expect(outcome.exitCode).toBe(1);
    expect(said(outcome.attention)).toEqual([expect.stringMatching(/^feed messaging.reps: /)]);
    expect(await staged(project)).toEqual(['01-09 07', '01-09 08']);
  });

  test('files that cannot be staged in a batch with others', async () => {
    await using project = await Project.create();
    const rows = (hours: number[]) => hours.map((hour) => [`2026-01-09 0${hour}`, hour] as const);
    for (const [time, hour] of rows([0])) await project.partition('voice_intents', time, [record(hour)]);
    await project.load();
    // What DuckDB finds wrong with a file, here, is that it holds a row twice.
    await changed(project, 'CREATE UNIQUE INDEX one ON staging_messaging.voice_intents(issue_id)');
    for (const [time, hour] of rows([1, 2, 3, 4, 6, 7, 8])) {
      const ids = hour === 3 ? [0] : [hour];
      await project.partition('voice_intents', time, ids.map(record));
    }
    await project.partition('voice_intents', '2026-01-09 05', { '.01': [record(50)], '.02': [record(0)] });
    expect(await project.load()).toMatchObject({
      exitCode: 3,
      loaded: { files: 7, rows: 7, failedFiles: 2 },
    });
    const failures = await project.loader<{ path: string; message: string }>(
      'SELECT path, message FROM ops.file_failures ORDER BY path',
    );
    expect(failures).toEqual([
      { path: expect.stringContaining('hr=03'), message: expect.stringMatching(/hr=03.*cannot be staged: /) },
      { path: expect.stringMatching(/hr=05.*\.02$/), message: expect.stringMatching(/Constraint Error/) },
    ]);
    const found = await states(project);
    expect(found).toMatchObject({ '01-09 03': 'sealed', '01-09 05': 'sealed', '01-09 08': 'loaded' });
    expect(await project.loader('SELECT sum(rows)::INT AS rows FROM ops.partitions')).toEqual([{ rows: 8 }]);
    await changed(project, 'DROP INDEX staging_messaging.one');
    expect(await project.load()).toMatchObject({ exitCode: 0, loaded: { files: 2 } });
  });

  test('a feed of which nothing can be staged', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-09 00', [record(0)]);
    await project.load();
    await changed(project, 'CREATE UNIQUE INDEX one ON staging_messaging.voice_intents(issue_id)');
    for (const hour of [1, 2, 3, 4, 5, 6])
      await project.partition('voice_intents', `2026-01-09 0${hour}`, [record(0)]);
    await project.partition('wfm', '2026-01-09', [{ a: 1 }]);
    const outcome = await project.load();
    expect(said(outcome.attention)).toEqual([
      expect.stringMatching(/^feed messaging.voice_intents: Constraint Error/),
    ]);
    expect(await project.loader('FROM ops.file_failures')).toEqual([]);
    expect(await project.loader('SELECT a FROM staging_messaging.wfm')).toEqual([{ a: 1 }]);
  });

  test('a file that is gone when it is to be read', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-09 07', { '.01': [record(1)], '.02': [record(2)] });
    await project.partition('voice_intents', '2026-01-09 08', [record(3)]);
    const gone = `${partitionFolder('voice_intents', '2026-01-09 07')}/voice_intents.jsonl.02`;
    project.reporter = listen({
      progress: {
        ...silentReporter.progress,
        activity: (text) =>
          void (text.startsWith('fetching') && rmSync(project.path('feeds', gone), { force: true })),
      },
    });
    const outcome = await project.load();
    expect(outcome).toMatchObject({
      exitCode: 3,
      attention: [
        { kind: 'file_failed', message: '1 file of messaging could not be staged and will be tried again' },
      ],
    });
    expect(await project.loader('SELECT issue_id FROM staging_messaging.voice_intents ORDER BY ALL')).toEqual(
      [{ issue_id: 1 }, { issue_id: 3 }],
    );
  });

  test('a file that changes between its arrival and its staging', async () => {
    await using project = await Project.create();
    const folder = await project.partition('voice_intents', '2026-01-09 07', [record(1)]);
    await project.partition('voice_intents', '2026-01-09 08', [record(2)]);
    const file = project.path('feeds', folder, 'voice_intents.jsonl');
    let changed = false;
    project.reporter = listen({
      progress: {
        ...silentReporter.progress,
        activity: (text) => {
          if (changed || !text.startsWith('staging')) return;
          changed = true;
          appendFileSync(file, '{"issue_id":11}\n');
        },
      },
    });
    expect(await project.load()).toMatchObject({ exitCode: 3 });
    expect(project.reporter.warnings).toEqual([`${folder}/voice_intents.jsonl changed while it was read`]);
    expect(await staged(project)).toEqual(['01-09 08']);
    expect(await states(project)).toEqual({ '01-09 07': 'sealed', '01-09 08': 'loaded' });
    expect(await project.load()).toMatchObject({ exitCode: 0 });
    expect(await project.loader('SELECT issue_id FROM staging_messaging.voice_intents ORDER BY ALL')).toEqual(
      [{ issue_id: 1 }, { issue_id: 2 }, { issue_id: 11 }],
    );
  });

  test('an encrypted file without a key', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-09 07', {
      '.01.gz.enc': Buffer.from('?'),
      '.02': [record(2)],
    });
    expect(await project.load()).toMatchObject({ exitCode: 3 });
    expect(await states(project)).toEqual({ '01-09 07': 'sealed' });
    expect(await project.loader('SELECT issue_id FROM staging_messaging.voice_intents')).toEqual([
      { issue_id: 2 },
    ]);
  });
});

test('a place that lists a whole feed twice loads it once, and a partition in two places fails its feed', async () => {
  await using project = await Project.create();
  const folder = await local.open({ root: project.path('feeds') });
  for (const day of ['08', '09'])
    for (const feed of ['voice_intents', 'attributes'])
      await project.partition(feed, `2026-01-${day} 07`, { '.01': [record(1)], '.02': [record(2)] });
  const { sources } = place(project, {
    async *files(path, from) {
      yield* folder.files(path, from);
      for await (const file of folder.files(path, from))
        if (path.startsWith('voice') || !file.path.endsWith('.02')) yield file;
    },
  });
  await using odd = await Project.create(undefined, sources);
  const outcome = await odd.load();
  expect(said(outcome.attention)[0]).toMatch(
    /^feed messaging.attributes: the listing names attributes.* in two places/,
  );
  expect(outcome.loaded?.failedFeeds).toHaveLength(1);
  expect(await odd.loader('SELECT count(*) AS n FROM staging_messaging.voice_intents')).toEqual([{ n: 4 }]);
});

describe('a file that came whole and cannot be read', () => {
  const MINUTE = 60_000;

  /** A place with one broken file, and how often it was fetched. */
  async function broken(): Promise<{ feeds: Project; loads: Project; fetched: () => number }> {
    const feeds = await Project.create();
    const folder = await local.open({ root: feeds.path('feeds') });
    let fetched = 0;
    const { sources } = place(feeds, {
      fetch: (file, partial, options) => {
        fetched += 1;
        return folder.fetch(file, partial, options);
      },
    });
    await feeds.partition('voice_intents', '2026-01-09 07', { '.gz': Buffer.from('broken') });
    return { feeds, loads: await Project.create(undefined, sources), fetched: () => fetched };
  }

  test('is fetched again after waits that grow, and stays reported meanwhile', async () => {
    const { feeds, loads, fetched } = await broken();
    await using _ = feeds;
    await using project = loads;
    const start = project.now.getTime();
    for (const [minutes, times] of [
      [0, 1],
      [14, 1],
      [16, 2],
      [40, 2],
      [50, 3],
    ] as const) {
      project.now = new Date(start + minutes * MINUTE);
      expect(await project.load()).toMatchObject({ exitCode: 3 });
      expect(fetched(), `after ${minutes} minutes`).toBe(times);
    }
    expect(await project.loader('SELECT attempts FROM ops.file_failures')).toEqual([{ attempts: 3 }]);
    expect(await states(project)).toEqual({ '01-09 07': 'sealed' });
  });

  test('is fetched at once when it is another file, and when a person asks for it', async () => {
    const { feeds, loads, fetched } = await broken();
    await using _ = feeds;
    await using project = loads;
    await project.load();
    await project.load({ feed: ['voice_intents'] });
    expect(fetched()).toBe(2);
    await feeds.partition('voice_intents', '2026-01-09 07', { '.gz': [record(1)] });
    expect(await project.load()).toMatchObject({ exitCode: 0 });
    expect(await staged(project)).toEqual(['01-09 07']);
  });

  test('is fetched at once when the key that opens it is another one', () => {
    const failure = { bytes: 1, etag: 'e', fingerprint: 'old', attempts: 1, last_failed_at: NOW };
    const at = (fingerprint: string, minutes: number, etag = 'e') =>
      fetchedAgainAt(
        failure as FileFailure,
        { path: 'p', bytes: 1, etag },
        fingerprint,
        new Date(NOW.getTime() + minutes * MINUTE),
      );
    expect(at('old', 1)).toEqual(new Date(NOW.getTime() + 15 * MINUTE));
    expect(at('old', 15)).toBeUndefined();
    expect(at('new', 1)).toBeUndefined();
    expect(at('old', 1, 'f')).toBeUndefined();
  });
});

test('a place that lists things twice or without sense fails only the files that are unclear', async () => {
  await using project = await Project.create();
  const folder = await local.open({ root: project.path('feeds') });
  async function* twice<T>(each: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const one of each) yield* [one, one];
  }
  const { sources } = place(project, {
    entries: (path) => twice(folder.entries(path)),
    async *files(path, from) {
      for await (const file of folder.files(path, from)) {
        yield* [file, file];
        if (file.path.endsWith('.02')) yield { ...file, etag: 'another' };
        if (file.path.endsWith('.03'))
          yield { ...file, path: `${file.path}3`, problem: 'it is listed oddly' };
      }
    },
  });
  await using odd = await Project.create(undefined, sources);
  const [at, files] = ['2026-01-09 07', { '.01': [record(1)], '.02': [record(2)], '.03': [record(3)] }];
  await project.partition('voice_intents', at, files);
  expect(await odd.load()).toMatchObject({ exitCode: 3, loaded: { files: 2, rows: 2 } });
  expect(
    await odd.loader(
      "SELECT right(path, 3) AS file, split_part(message, ': ', 2) AS why FROM ops.file_failures ORDER BY 1",
    ),
  ).toEqual([
    { file: '.02', why: 'it is listed twice, with different sizes or versions' },
    { file: '033', why: 'it is listed oddly' },
  ]);
});

describe('a partition that comes again', () => {
  test('keeps its old rows while any file of its new export fails, and then changes as a whole', async () => {
    await using project = await Project.create();
    const time = '2026-01-09 07';
    await project.partition('voice_intents', time, { '.01.gz': [record(1)], '.02.gz': [record(2)] });
    await project.load();
    await project.partition('voice_intents', time, {
      '.01.gz': [record(11)],
      '.02.gz': Buffer.from('broken'),
    });
    const ids = 'SELECT issue_id FROM staging_messaging.voice_intents ORDER BY ALL';
    expect(await project.load()).toMatchObject({ exitCode: 3 });
    expect(await project.loader(ids)).toEqual([{ issue_id: 1 }, { issue_id: 2 }]);
    expect(await states(project)).toEqual({ '01-09 07': 'reopened' });
    await project.partition('voice_intents', time, { '.02.gz': [record(12)] });
    expect(await project.load()).toMatchObject({ exitCode: 0 });
    expect(await project.loader(ids)).toEqual([{ issue_id: 11 }, { issue_id: 12 }]);
    expect(await states(project)).toEqual({ '01-09 07': 'loaded' });
  });

  test('no longer fails once its owner takes the failing file away', async () => {
    await using project = await Project.create();
    const folder = await project.partition('voice_intents', '2026-01-09 07', {
      '.01': [record(1)],
      '.02.gz': Buffer.from('broken'),
    });
    expect(await project.load()).toMatchObject({ exitCode: 3 });
    await rm(project.path('feeds', folder, 'voice_intents.jsonl.02.gz'));
    expect(await project.load()).toMatchObject({ exitCode: 0 });
    expect(await states(project)).toEqual({ '01-09 07': 'loaded' });
    expect(await project.loader('FROM ops.file_failures WHERE resolved_at IS NULL')).toEqual([]);
  });
});

describe('a gap', () => {
  const MISSING =
    "SELECT strftime(partition_ts, '%H') AS hour FROM ops.partitions WHERE state = 'missing' ORDER BY hour";

  test('is none any more once more partitions show how often they come', async () => {
    await using project = await Project.create();
    for (const hour of ['00', '02'])
      await project.partition('voice_intents', `2026-01-09 ${hour}`, [record(1)]);
    await project.load();
    expect(await project.loader(MISSING)).toEqual([{ hour: '01' }]);
    for (const hour of ['04', '06'])
      await project.partition('voice_intents', `2026-01-09 ${hour}`, [record(1)]);
    expect(await project.load()).toMatchObject({ exitCode: 0 });
    expect(await project.loader(MISSING)).toEqual([]);
  });
});

describe('an inferred column', () => {
  test('comes for a field that was NULL at first, and holds its values from then on', async () => {
    await using project = await Project.create();
    await project.partition('queue_wfm', '2026-01-09 07:00', [
      { queue_name: 'q', rep_id: null, waits: null },
    ]);
    await project.load();
    await project.partition('queue_wfm', '2026-01-09 07:15', [{ queue_name: 'q', rep_id: 7, waits: 2 }]);
    await project.load();
    const rows =
      'SELECT queue_name, rep_id, waits, _rescued FROM staging_messaging.queue_wfm ORDER BY _partition_ts';
    expect(await project.loader(rows)).toEqual([
      { queue_name: 'q', rep_id: null, waits: null, _rescued: null },
      { queue_name: 'q', rep_id: 7, waits: 2, _rescued: null },
    ]);
  });
});

describe('what a killed run left', () => {
  test('without line numbers is numbered by the next run', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-09 07', {
      '.01': [1, 2, 3].map(record),
      '.02': [record(4)],
    });
    await project.load();
    await using workspace = await project.open();
    await workspace.session.run(`UPDATE staging_messaging.voice_intents SET _line = NULL;
      INSERT INTO ops.unnumbered SELECT 'staging_messaging', 'voice_intents', min(file_id), max(file_id) FROM ops.files`);
    await workspace[Symbol.asyncDispose]();
    await project.load();
    expect(
      await project.loader('SELECT issue_id, _line FROM staging_messaging.voice_intents ORDER BY issue_id'),
    ).toEqual([
      { issue_id: 1, _line: 1 },
      { issue_id: 2, _line: 2 },
      { issue_id: 3, _line: 3 },
      { issue_id: 4, _line: 1 },
    ]);
  });

  test('with gaps that it did not report is reported by the next run', async () => {
    await using project = await Project.create();
    for (const hour of ['04', '05', '06', '08'])
      await project.partition('voice_intents', `2026-01-09 ${hour}`, [record(1)]);
    project.reporter = listen({
      info: () => {
        throw new StorageError('killed');
      },
    });
    await expect(project.load()).rejects.toThrow('killed');
    project.reporter = listen();
    expect(await staged(project)).toHaveLength(4);
    expect(await project.load()).toMatchObject({
      exitCode: 3,
      attention: [
        {
          kind: 'missing_partitions',
          message: '1 partition of messaging.voice_intents missing: 2026-01-09 07:00',
        },
      ],
    });
  });
});

test('a feed whose name needs quoting is loaded like any other', async () => {
  await using project = await Project.create();
  const name = `calls "of' [today]*`;
  await project.partition(name, '2026-01-09 07', { '.01': [{ a: 1 }], '.02.gz': [{ a: 2 }] });
  await project.load();
  const table = name.replaceAll('"', '""');
  expect(await project.loader(`SELECT a FROM staging_messaging."${table}" ORDER BY a`)).toEqual([
    { a: 1 },
    { a: 2 },
  ]);
});

test('an empty place is no failure', async () => {
  await using project = await Project.create();
  expect(await project.run()).toMatchObject({ exitCode: 0, published: true });
});
