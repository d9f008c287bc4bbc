import { expect, test } from 'vitest';
import { CHANGE_KINDS } from '../../src/feeds/changes.ts';
import type { SchemaChange } from '../../src/ledger/tables.ts';
import { build } from '../../src/models/build/build.ts';
import { loadOnly } from '../../src/run/run.ts';
import { Random } from '../../src/samples/random.ts';
import { differences } from '../../src/schema/differences.ts';
import { openWorkspace, type Workspace } from '../../src/workspace/workspace.ts';
import { Project, partitionFolder } from '../support/project.ts';
import { SchemaBench } from './support.ts';
import { type Sent, Vendor } from './vendor.ts';

/**
 * A long time in miniature: every day the vendor changes something, tells so early, late or never, and sends data. Every
 * few days all values ever sent are found again, and the tables are those of a warehouse that was built from all of the
 * data with what is followed that day. `SCHEMA_DAYS=365 SCHEMA_FRESH_EVERY=1` takes a year, day by day.
 */
const DAYS = Number(process.env.SCHEMA_DAYS ?? 60);
const SEED = Number(process.env.SCHEMA_SEED ?? 1);
/** After how many days the tables are compared with fresh ones. */
const FRESH_EVERY = Number(process.env.SCHEMA_FRESH_EVERY ?? 10);

test('a year of documents leaves the tables as fresh ones would be', {
  timeout: Math.max(600_000, DAYS * 10_000),
}, async () => {
  const random = new Random(SEED);
  const vendor = new Vendor(random);
  await using bench = await SchemaBench.open();
  const sent = new Map<string, Sent>();
  const kinds = new Set<string>();
  for (let number = 0; number < DAYS; number += 1) {
    const day = new Date(Date.UTC(2026, 0, 5 + number)).toISOString().slice(0, 10);
    bench.project.now = new Date(`${day}T12:00:00Z`);
    vendor.next();
    for (const delivery of vendor.sent()) {
      const { feed, version, lines } = delivery;
      await bench.project.partition(feed, day, lines, { version });
      sent.set(`${partitionFolder(feed, day, version)}/${feed}.jsonl`, delivery);
    }
    if (random.chance(0.8)) await bench.publish(day, random.chance(0.05) ? 'schemas: [' : vendor.document());
    await bench.apply();
    if (random.chance(0.3)) await loadOnly(bench.workspace);
    await decide(bench, random);
    if ((number + 1) % FRESH_EVERY === 0 || number === DAYS - 1) {
      await loadOnly(bench.workspace);
      await findAll(bench.workspace, sent, day);
      await sameAsFresh(bench, day);
    }
    for (const row of await bench.rows<SchemaChange>('FROM ops.schema_changes')) kinds.add(row.kind);
  }
  // The vendor has done all that a vendor does. A format only a person changes.
  const theirs = CHANGE_KINDS.filter((kind) => kind !== 'format_changed');
  if (SEED === 1 && DAYS >= 60) expect([...kinds].sort()).toEqual([...theirs, 'document_held'].sort());
  // What is held can be accepted, all of it; then nothing waits.
  const open = await bench.rows<{ id: number }>(
    "SELECT change_id AS id FROM ops.schema_changes WHERE decision = 'held'",
  );
  if (open.length > 0) await bench.apply({ accept: open.map(({ id }) => id), allowEmpty: true });
  expect((await bench.apply()).held).toBe(0);
  expect(
    (await differences(bench.workspace.session, ['phones'])).filter(({ finding }) => /^held/.test(finding)),
  ).toEqual([]);
});

/** A person looks in, now and then, and accepts, rejects or takes back, also where that empties a table for a while. */
async function decide(bench: SchemaBench, random: Random): Promise<void> {
  const rows = await bench.rows<SchemaChange>(
    "FROM ops.schema_changes WHERE (decision = 'held' OR severity = 'attention' AND decided_at IS NULL AND decision = 'applied')",
  );
  const open = rows.map(({ change_id }) => change_id).filter(() => random.chance(0.4));
  if (open.length > 0) {
    if (random.chance(0.7)) await bench.apply({ accept: open, allowEmpty: true });
    else
      await bench.apply({
        reject: open.filter((id) => rows.find((row) => row.change_id === id)?.decision === 'held'),
      });
  }
  if (!random.chance(0.1)) return;
  const undoable = await bench.rows<{ id: number }>(
    "SELECT change_id AS id FROM ops.schema_changes WHERE decision = 'applied' AND undo IS NOT NULL ORDER BY 1",
  );
  const last = undoable.at(-1);
  if (last) await bench.apply({ reject: [last.id], allowEmpty: true });
}

type Field = string | null;

/** Every row of a staging table: where it came from, and what is where. */
interface StagedRow {
  path: string;
  line: number;
  columns: Record<string, Field>;
  rescued: Record<string, unknown>;
}

async function staged({ session }: Workspace, schema: string, table: string): Promise<StagedRow[]> {
  const rows = await session.rows<Record<string, Field> & { path: string; line: number }>(
    `SELECT f.path AS _path, s._line AS _number, CAST(COLUMNS(s.* EXCLUDE (_partition_ts, _file_id, _line, _loaded_at)) AS VARCHAR)
     FROM "${schema}"."${table}" AS s JOIN ops.files AS f ON f.file_id = s._file_id ORDER BY 1, 2`,
  );
  return rows.map(({ _path, _number, _rescued, ...columns }) => ({
    path: _path as string,
    line: _number as unknown as number,
    columns: columns as Record<string, Field>,
    rescued: JSON.parse(_rescued ?? '{}'),
  }));
}

async function stagingTables({ session }: Workspace): Promise<string[]> {
  const rows = await session.rows<{ name: string }>(
    "SELECT table_name AS name FROM duckdb_tables() WHERE schema_name = 'staging_phones' ORDER BY 1",
  );
  return rows.map(({ name }) => name);
}

/** Every value ever sent is in its column, in `_rescued`, or in a rejected line. */
async function findAll(workspace: Workspace, sent: ReadonlyMap<string, Sent>, day: string): Promise<void> {
  const rejected = await workspace.session.rows<{ path: string; line: number; raw: string }>(
    'SELECT path, line, decode(raw) AS raw FROM ops.rejected_rows JOIN ops.files USING (file_id)',
  );
  const rows = new Map<string, StagedRow>();
  for (const table of await stagingTables(workspace)) {
    for (const row of await staged(workspace, 'staging_phones', table))
      rows.set(`${row.path}:${row.line}`, row);
  }
  const lost: string[] = [];
  for (const [path, { lines }] of sent) {
    for (const [index, line] of lines.entries()) {
      const place = `${path}:${index + 1}`;
      if (typeof line === 'string') {
        if (!rejected.some((row) => `${row.path}:${row.line}` === place && row.raw === line))
          lost.push(place);
        continue;
      }
      const row = rows.get(place);
      for (const [name, value] of Object.entries(line)) {
        if (value === null) continue;
        const there = row?.columns[name] ?? null;
        // A number that was kept as text for a while is text where it goes from there.
        const found = isSame(there ?? String(row?.rescued[name]), value);
        if (!found) lost.push(`${place} ${name}: ${value} is ${there ?? row?.rescued[name]}`);
      }
    }
  }
  expect(lost, day).toEqual([]);
}

function isSame(text: string, value: unknown): boolean {
  if (typeof value === 'number') return Number(text) === value;
  // A day may have become an instant.
  return text === String(value) || text === `${value} 00:00:00`;
}

/** The tables are those of a warehouse that has known from the beginning what is followed today. */
async function sameAsFresh(bench: SchemaBench, day: string): Promise<void> {
  await using project = await Project.create(
    `sources:\n  phones:\n    connector: local\n    path: ${bench.project.path('feeds')}\n    group: phones\n`,
  );
  const { reporter } = project;
  await using fresh = await openWorkspace(await project.config(), {
    reporter,
    clock: () => bench.project.now,
  });
  fresh.catalogue = bench.workspace.catalogue;
  await loadOnly(fresh);
  for (const table of await stagingTables(fresh)) {
    // A column that was made wider for a key stays so when the key is another.
    const documented = await bench.rows<{ name: string }>(
      `SELECT c.column_name AS name FROM ops.columns c JOIN duckdb_columns() t USING (column_name)
       WHERE c.feed || CASE WHEN c.version = '1' THEN '' ELSE '__v' || c.version END = '${table}'
         AND t.schema_name = 'staging_phones' AND t.table_name = '${table}' AND t.data_type = c.type`,
    );
    const names = new Set(documented.map(({ name }) => name));
    const [ours, theirs] = [
      await staged(bench.workspace, 'staging_phones', table),
      await staged(fresh, 'staging_phones', table),
    ];
    expect(
      ours.map((row) => comparable(row, names)),
      `${table} on ${day}`,
    ).toEqual(theirs.map((row) => comparable(row, names)));
  }
  for (const workspace of [bench.workspace, fresh]) {
    const { failed } = await build(workspace, 1, { fullRefresh: workspace === fresh });
    expect(failed, day).toEqual([]);
  }
  const models = await fresh.session.rows<{ name: string }>(
    "SELECT table_name AS name FROM duckdb_tables() WHERE schema_name = 'phones' ORDER BY 1",
  );
  for (const { name } of models) {
    const [ours, theirs] = [await winners(bench.workspace, name), await winners(fresh, name)];
    expect(ours, `phones.${name} on ${day}`).toEqual(theirs);
  }
}

/** Which rows are kept. */
async function winners({ session }: Workspace, table: string): Promise<string[]> {
  const rows = await session.rows<{ place: string }>(
    `SELECT path || ':' || _line AS place FROM phones."${table}" JOIN ops.files ON file_id = _file_id`,
  );
  return rows.map(({ place }) => place).sort();
}

/**
 * Documented columns as they are; of other fields, only that they are somewhere and what they hold. A number that was
 * kept as text for a while is text where it goes from there.
 */
function comparable({ path, line, columns, rescued }: StagedRow, documented: ReadonlySet<string>) {
  const known: Record<string, unknown> = {};
  const other: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(columns)) {
    if (documented.has(name)) known[name] = value;
    else if (value !== null) other[name] = plain(value);
  }
  for (const [name, value] of Object.entries(rescued)) {
    if (documented.has(name)) known[`rescued ${name}`] = plain(value);
    else other[name] = plain(value);
  }
  return { path, line, known, other };
}

function plain(value: unknown): unknown {
  const number = Number(value);
  return Number.isNaN(number) ? String(value) : String(number);
}
