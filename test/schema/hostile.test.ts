import { truncate } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { build } from '../../src/models/build/build.ts';
import { said } from '../support/project.ts';
import { columnDoc, feedDoc, SchemaBench } from './support.ts';

/** Documents that mean no good, or that somebody has mangled: nothing of them breaks a load or a build. */

const CALLS = feedDoc('calls', { id: 'bigint', name: 'varchar' });

async function follows(bench: SchemaBench): Promise<void> {
  await bench.follow('2026-01-05', [CALLS]);
  await bench.load('calls', '2026-01-05', [{ id: 1, name: 'Ann' }]);
}

/** The document is held, its reason is told, and yesterday's goes on. */
async function isHeld(bench: SchemaBench, why: string | RegExp): Promise<void> {
  const { held, applied, attention } = await bench.apply();
  expect({ held, applied }).toEqual({ held: 1, applied: 0 });
  expect(said(attention).join()).toMatch(why);
  await bench.load('calls', '2026-01-06', [{ id: 2 }]);
  expect(await bench.rows('SELECT count(*) AS rows FROM staging_phones.calls')).toEqual([{ rows: 2 }]);
  // It is not fetched and parsed again at each run.
  expect(await bench.apply()).toMatchObject({ held: 1, changed: false });
}

describe('a document is held when it', () => {
  test('has 100 MB', async () => {
    await using bench = await SchemaBench.open();
    await follows(bench);
    await bench.publish('2026-01-06', 'schemas:\n');
    await truncate(bench.project.path('feeds/export_docs/dt=2026-01-06/export_docs.yaml'), 100 * 2 ** 20);
    await isHeld(bench, 'larger than limits.document_bytes (32MiB)');
  });

  test('has 100 MB in a few compressed bytes', async () => {
    await using bench = await SchemaBench.open();
    await follows(bench);
    const bomb = gzipSync(Buffer.alloc(100 * 2 ** 20, '- '));
    await bench.project.write('feeds/export_docs/dt=2026-01-06/export_docs.yaml.gz', bomb);
    await isHeld(bench, 'larger than limits.document_bytes (32MiB)');
  });

  test('grows without end ("billion laughs")', async () => {
    await using bench = await SchemaBench.open();
    await follows(bench);
    const laughs = ['a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]'];
    for (let level = 1; level < 12; level += 1) {
      const [name, before] = ['abcdefghijklm'[level], 'abcdefghijklm'[level - 1]];
      laughs.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(', ')}]`);
    }
    await bench.publish('2026-01-06', `${laughs.join('\n')}\nschemas: *l\n`);
    await isHeld(bench, 'it grows beyond limits.document_bytes (32MiB)');
  });

  test('is a few megabytes of aliases that nobody could hold once they are written out', async () => {
    await using bench = await SchemaBench.open();
    await follows(bench);
    const columns = Array.from({ length: 100 }, (_, number) => `{name: c${number}, type: int}`);
    const tables = Array.from({ length: 9000 }, (_, number) => `- {name: t${number}, columns: *columns}`);
    await bench.publish('2026-01-06', `columns: &columns [${columns}]\ntables:\n${tables.join('\n')}\n`);
    await isHeld(bench, 'it grows beyond limits.document_');
    await bench.publish('2026-01-07', `a: &a [x]\nschemas: [${'*a,'.repeat(600_000)}]\n`);
    expect(JSON.stringify((await bench.apply()).attention)).toMatch(
      'more aliases than limits.document_aliases (10000)',
    );
  });

  test('has more columns than a table may have, and cannot be accepted', async () => {
    await using bench = await SchemaBench.open();
    await follows(bench);
    const many = Array.from({ length: 20_000 }, (_, number) => `c${number}`);
    await bench.publish('2026-01-06', `tables: [{name: calls, primary_key: id, columns: [id, ${many}]}]`);
    await isHeld(bench, 'it gives calls 20001 columns, more than limits.table_columns (500)');
    await expect(bench.apply({ accept: [2] })).rejects.toThrow(/cannot be accepted: it gives calls 20001/);
  });

  test('is nested a hundred thousand deep', async () => {
    await using bench = await SchemaBench.open();
    await follows(bench);
    await bench.publish('2026-01-06', `{"schemas":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    await isHeld(bench, 'it is nested deeper than 100 levels');
  });

  test.each([
    ['empty', ''],
    ['binary', '\u0000\u0001\ufffd\u0003'],
    ['a web page', '<!DOCTYPE html><html><body>404: Not Found</body></html>'],
    ['about something else', 'services:\n  web: { image: nginx }\n'],
  ])('is %s', async (_what, text) => {
    await using bench = await SchemaBench.open();
    await follows(bench);
    await bench.publish('2026-01-06', text);
    await isHeld(bench, 'no feed in it could be understood');
  });
});

describe('a document is understood as far as it makes sense', () => {
  test('with tabs, and with a feed and a column twice', async () => {
    await using bench = await SchemaBench.open();
    await follows(bench);
    await bench.publish(
      '2026-01-06',
      `schemas:
  - name: exports
    tables:
      - name: calls
        primary_key: id
        columns:
          - { name: id, type: bigint }
          - { name: name,\ttype: varchar }
          - { name: fresh, type: int }
          - { name: fresh, type: varchar }
      - name: calls
        columns:
          - { name: nonsense, type: int }
`,
    );
    expect(await bench.apply()).toMatchObject({ held: 0, applied: 1 });
    expect(await bench.changes('change_id > 1')).toEqual(['2 calls.fresh column_added applied']);
    expect(bench.project.reporter.warnings.join('\n')).toMatch(
      /2 things could not be understood: line 10: calls\.fresh: is there twice.*; line 11: calls: is in the document twice/,
    );
    expect(await bench.rows('SELECT problems FROM ops.documents ORDER BY document_id DESC LIMIT 1')).toEqual([
      { problems: [expect.stringContaining('line 10'), expect.stringContaining('line 11')] },
    ]);
  });

  test('with names that are SQL, templates or paths, which are only strange names', async () => {
    await using bench = await SchemaBench.open();
    await follows(bench);
    const names = [
      '"; DROP TABLE staging_phones.calls; --',
      "'); DELETE FROM ops.feeds; --",
      '{{ config(materialized="table") }}',
      '{% raw %}',
      '../../etc/passwd',
      'calls}}',
      'with "quotes" and \'quotes\'',
      '日本語',
    ];
    const columns = Object.fromEntries(
      names.map((name) => [
        name,
        columnDoc(name, 'varchar', { description: `${name} '; --`, pii: `${name}'` }),
      ]),
    );
    const strange = names.map((name) => feedDoc(name, { id: 'bigint', ...columns }, { key: ['id', name] }));
    await bench.follow('2026-01-06', [
      feedDoc('calls', { id: 'bigint', name: 'varchar', ...columns }),
      ...strange,
    ]);
    await bench.load('calls', '2026-01-06', [
      Object.fromEntries([['id', 3], ...names.map((name) => [name, 'x'])]),
    ]);
    expect(
      await bench.rows(`SELECT id, "${names[0]?.replaceAll('"', '""')}" AS x FROM staging_phones.calls`),
    ).toEqual(expect.arrayContaining([{ id: 3, x: 'x' }]));
    expect(await bench.rows('SELECT count(*) AS feeds FROM ops.feeds')).toEqual([{ feeds: 9 }]);
    const built = await build(bench.workspace, 1);
    expect({ failed: built.failed, built: built.built }).toEqual({ failed: [], built: ['phones.calls'] });
    const rows = await bench.rows<{ feed: string }>('SELECT DISTINCT feed FROM ops.columns');
    expect(new Set(rows.map(({ feed }) => feed))).toEqual(new Set(['calls', ...names]));
  });

  test('with thousands of feeds', { timeout: 60_000 }, async () => {
    await using bench = await SchemaBench.open();
    const many = Array.from({ length: 500 }, (_, number) => feedDoc(`f${number}`, {}, { key: [] }));
    expect(await bench.follow('2026-01-06', [CALLS, ...many])).toMatchObject({ applied: 501, held: 0 });
    await bench.load('calls', '2026-01-06', [{ id: 1 }]);
    expect((await build(bench.workspace, 1)).built).toEqual(['phones.calls']);
  });
});
