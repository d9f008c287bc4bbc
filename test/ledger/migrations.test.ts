import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StorageError } from '../../src/errors.ts';
import { migrate } from '../../src/ledger/migrations.ts';
import type { Session } from '../../src/warehouse/session.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';
import { NOW, Project } from '../support/project.ts';

let folder: string;
let warehouse: Warehouse;
let session: Session;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  warehouse = await Warehouse.open(join(folder, 'warehouse.duckdb'));
  session = await warehouse.session();
});
afterEach(async () => {
  await warehouse[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Column {
  relation: string;
  comment: string | null;
  name: string;
  type: string;
  required: boolean;
  said: string | null;
}

/** The ledger as text, for people to compare: every table and view with its columns and comments. */
async function schemaText(): Promise<string> {
  const columns = await session.rows<Column>(`
    WITH relations AS (
      SELECT 'table' AS kind, schema_name, table_name AS name, comment FROM duckdb_tables()
      UNION ALL SELECT 'view', schema_name, view_name, comment FROM duckdb_views() WHERE NOT internal
    )
    SELECT r.kind || ' ' || r.schema_name || '.' || r.name AS relation, r.comment, c.column_name AS name,
      c.data_type AS type, NOT c.is_nullable AS required, c.comment AS said
    FROM relations r JOIN duckdb_columns() c ON c.schema_name = r.schema_name AND c.table_name = r.name
    ORDER BY r.kind, r.name, c.column_index`);
  const lines: string[] = [];
  let before = '';
  for (const { relation, comment, name, type, required, said } of columns) {
    if (relation !== before) lines.push('', `${relation}: ${comment ?? '(no comment)'}`);
    before = relation;
    lines.push(`  ${name} ${type}${required ? ' not null' : ''}${said ? ` -- ${said}` : ''}`);
  }
  return `${lines.slice(1).join('\n')}\n`;
}

describe('the ledger', () => {
  // `npx vitest run test/ledger -u` writes it anew: read the difference before you keep it.
  test('has the shape that is written down', async () => {
    await migrate(session, NOW);
    await expect(await schemaText()).toMatchFileSnapshot('schema.golden.txt');
  });

  test('has at least what the contract promises', async () => {
    await migrate(session, NOW);
    const text = await schemaText();
    for (const [relation, columns] of Object.entries(CONTRACT)) {
      const part = new RegExp(`^(?:table|view) ops\\.${relation}: (?:.+\\n)+`, 'm').exec(text)?.[0] ?? '';
      for (const column of columns) expect(part, relation).toMatch(new RegExp(`^ {2}${column} `, 'm'));
    }
  });

  test('is left as it is when there is nothing to migrate', async () => {
    await migrate(session, NOW);
    const text = await schemaText();
    const applied = await session.rows('FROM ops.migrations');
    await session.run("INSERT INTO ops.misfits VALUES ('s', 'p', 'r', now()::TIMESTAMP, NULL)");
    await migrate(session, new Date('2027-01-01T00:00:00Z'));
    expect(await schemaText()).toBe(text);
    expect(await session.rows('FROM ops.migrations')).toEqual(applied);
    expect(await session.rows('SELECT path FROM ops.misfits')).toEqual([{ path: 'p' }]);
  });

  test('records each migration with its time', async () => {
    await migrate(session, NOW);
    const applied = await session.rows<{ id: number; applied_at: Date }>(
      'SELECT id, applied_at FROM ops.migrations ORDER BY id',
    );
    expect(applied.length).toBeGreaterThan(0);
    expect(applied.every(({ applied_at }) => Number(applied_at) === NOW.getTime())).toBe(true);
    const ids = applied.map(({ id }) => Number(id));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  test('of a newer program is refused, and left as it is', async () => {
    await migrate(session, NOW);
    await session.run(
      "INSERT INTO ops.migrations VALUES (999, TIMESTAMP '2030-01-01'); CREATE OR REPLACE VIEW ops.freshness AS SELECT 42 AS answer",
    );
    const failure = await migrate(session, NOW).catch((error) => error);
    expect(failure).toBeInstanceOf(StorageError);
    expect(failure.message).toMatch(
      /^the warehouse was made by a newer asapp-warehouse \(ledger 999, this one knows \d+\)$/,
    );
    expect(failure.hint).toBe('npm install -g asapp-warehouse@latest');
    expect(await session.rows('FROM ops.freshness')).toEqual([{ answer: 42 }]);
  });

  test('of a newer program stops every command that changes it', async () => {
    await using project = await Project.create();
    await project.load();
    await using workspace = await project.open();
    await workspace.session.run("INSERT INTO ops.migrations VALUES (999, TIMESTAMP '2030-01-01')");
    await workspace[Symbol.asyncDispose]();
    await expect(project.run()).rejects.toThrow(StorageError);
    await expect(project.build()).rejects.toThrow(StorageError);
    await expect(project.load()).rejects.toThrow(StorageError);
  });
});

const CONTRACT: Readonly<Record<string, readonly string[]>> = {
  runs: [
    'run_id',
    'command',
    'started_at',
    'finished_at',
    'status',
    'exit_code',
    'rows_staged',
    'rows_rejected',
  ],
  partitions: [
    'source',
    'feed',
    'version',
    'partition_ts',
    'state',
    'files',
    'rows',
    'sealed_at',
    'loaded_at',
  ],
  files: [
    'file_id',
    'source',
    'feed',
    'version',
    'partition_ts',
    'path',
    'bytes',
    'etag',
    'sha256',
    'lines',
    'rows_staged',
    'rows_rejected',
    'run_id',
    'loaded_at',
    'superseded_by',
  ],
  rejected_rows: ['file_id', 'line', 'raw', 'reason', 'detail', 'rejected_at', 'resolved_at', 'resolution'],
  schema_changes: [
    'change_id',
    'detected_at',
    'source',
    'feed',
    'column_name',
    'kind',
    'severity',
    'before',
    'after',
    'decision',
    'applied_at',
  ],
  model_runs: ['run_id', 'model'],
  test_results: ['run_id', 'test'],
  freshness: ['feed'],
  reconciliation: ['feed'],
  conservation: ['kind'],
};
