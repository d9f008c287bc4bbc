import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StorageError } from '../errors.ts';
import type { Session } from '../warehouse/session.ts';
import { identifier, literal, qualified, type TableName } from '../warehouse/sql.ts';

/** The name that the new copy goes by while it is being filled. */
const COPY = 'published_copy';

/** Schemas that analysts have no use for, or that are DuckDB's own. */
const PRIVATE_SCHEMAS = `schema_name NOT LIKE 'staging\\_%' ESCAPE '\\'
  AND schema_name NOT IN ('main', 'information_schema', 'pg_catalog')`;

/** Ledger tables that only the loader reads. */
const PRIVATE_TABLES = new Set(['ops.migrations', 'ops.unnumbered']);

/** Columns that do not leave the loader's file: the raw text of rejected lines. */
const PRIVATE_COLUMNS = new Map([['ops.rejected_rows', ['raw']]]);

/**
 * Writes the read-only copy that analysts open: the tables of the models and the ledger, without staging.
 *
 * It is filled under a temporary name and takes the place of the old copy by one rename. Whoever has the old one open
 * keeps reading it; whoever opens the name gets the old or the new one, whole.
 * @param target the file that analysts open
 * @throws StorageError when it cannot be written; the old copy stays
 */
export async function publish(session: Session, target: string): Promise<void> {
  try {
    await writeCopy(session, target);
  } catch (error) {
    throw new StorageError(
      `the copy for analysts, ${target}, cannot be written: ${(error as Error).message}`,
      {
        hint: 'they keep the old one; the next run writes it again',
        cause: error,
      },
    );
  }
}

async function writeCopy(session: Session, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await removeUnfinished(target);
  const temporary = `${target}.${process.pid}.tmp`;
  await session.run(`ATTACH ${literal(temporary)} AS ${COPY}`);
  try {
    await copyTables(session);
    await copyViews(session);
    await copyComments(session);
  } finally {
    await session.run(`DETACH ${COPY}`);
  }
  await sync(temporary);
  await rename(temporary, target);
  await rm(`${temporary}.wal`, { force: true });
  await sync(dirname(target));
}

/** Copies that earlier runs were killed over. The caller holds the warehouse, so nobody else is writing one. */
async function removeUnfinished(target: string): Promise<void> {
  const pattern = /^\.\d+\.tmp(\.wal)?$/;
  for (const name of await readdir(dirname(target))) {
    const ours = name.startsWith(basename(target)) && pattern.test(name.slice(basename(target).length));
    if (ours) await rm(join(dirname(target), name), { force: true });
  }
}

function inCopy(table: TableName): string {
  return `${COPY}.${qualified(table)}`;
}

async function publicTables(session: Session): Promise<TableName[]> {
  const tables = await session.rows<TableName & Record<string, string>>(
    `SELECT schema_name AS schema, table_name AS table FROM duckdb_tables()
     WHERE database_name = current_database() AND NOT temporary AND ${PRIVATE_SCHEMAS} ORDER BY table_oid`,
  );
  return tables.filter(({ schema, table }) => !PRIVATE_TABLES.has(`${schema}.${table}`));
}

async function copyTables(session: Session): Promise<void> {
  for (const table of await publicTables(session)) {
    const hidden = PRIVATE_COLUMNS.get(`${table.schema}.${table.table}`) ?? [];
    const columns = hidden.length === 0 ? '*' : `* EXCLUDE (${hidden.map(identifier).join(', ')})`;
    await session.run(`CREATE SCHEMA IF NOT EXISTS ${COPY}.${identifier(table.schema)};
CREATE TABLE ${inCopy(table)} AS SELECT ${columns} FROM ${qualified(table)}`);
  }
}

/**
 * Views come over as views, each after those it reads; one that reads staging, which is not published, as a table of what it
 * shows now.
 */
async function copyViews(session: Session): Promise<void> {
  const views = await session.rows<TableName & { sql: string }>(
    `SELECT schema_name AS schema, view_name AS table, sql FROM duckdb_views()
     WHERE database_name = current_database() AND NOT internal AND NOT temporary AND ${PRIVATE_SCHEMAS}
     ORDER BY view_oid`,
  );
  let waiting = views;
  for (;;) {
    const left: typeof views = [];
    for (const view of waiting) if (!(await copyView(session, view))) left.push(view);
    const [first] = left;
    if (first === undefined) return;
    // Nothing more comes over as it is: the first of the rest becomes a table, on which others may stand.
    if (left.length === waiting.length) {
      await session.run(`CREATE TABLE ${inCopy(first)} AS FROM ${qualified(first)}`);
      left.shift();
    }
    waiting = left;
  }
}

/** @returns false when what it reads is not there, or not yet */
async function copyView(session: Session, view: TableName & { sql: string }): Promise<boolean> {
  const { home } = await session.row<{ home: string }>('SELECT current_database() AS home');
  await session.run(`CREATE SCHEMA IF NOT EXISTS ${COPY}.${identifier(view.schema)}`);
  await session.run(`USE ${COPY}`);
  try {
    await session.run(view.sql);
    return true;
  } catch {
    return false;
  } finally {
    await session.run(`USE ${identifier(home)}`);
  }
}

async function copyComments(session: Session): Promise<void> {
  const copied = new Set(
    (
      await session.rows<{ name: string }>(
        `SELECT schema_name || '.' || table_name || '.' || column_name AS name FROM duckdb_columns()
         WHERE database_name = '${COPY}'`,
      )
    ).map(({ name }) => name),
  );
  const tables = await session.rows<TableName & { comment: string }>(
    `SELECT schema_name AS schema, table_name AS table, comment FROM duckdb_tables()
     WHERE database_name = current_database() AND comment IS NOT NULL AND ${PRIVATE_SCHEMAS}`,
  );
  const views = await session.rows<TableName & { comment: string; kind: string }>(
    `SELECT v.schema_name AS schema, v.view_name AS table, v.comment, CASE WHEN c.view_name IS NULL THEN 'TABLE' ELSE 'VIEW' END AS kind
     FROM duckdb_views() AS v LEFT JOIN (FROM duckdb_views() WHERE database_name = '${COPY}') AS c
       ON c.schema_name = v.schema_name AND c.view_name = v.view_name
     WHERE v.database_name = current_database() AND NOT v.internal AND v.comment IS NOT NULL
       AND ${PRIVATE_SCHEMAS.replaceAll('schema_name', 'v.schema_name')}`,
  );
  const columns = await session.rows<TableName & { column: string; comment: string }>(
    `SELECT schema_name AS schema, table_name AS table, column_name AS column, comment FROM duckdb_columns()
     WHERE database_name = current_database() AND comment IS NOT NULL AND NOT internal AND ${PRIVATE_SCHEMAS}`,
  );
  const statements = [
    ...tables
      .filter(({ schema, table }) => !PRIVATE_TABLES.has(`${schema}.${table}`))
      .map((table) => `COMMENT ON TABLE ${inCopy(table)} IS ${literal(table.comment)};`),
    ...views.map((view) => `COMMENT ON ${view.kind} ${inCopy(view)} IS ${literal(view.comment)};`),
    ...columns
      .filter(({ schema, table, column }) => copied.has(`${schema}.${table}.${column}`))
      .map(
        (column) =>
          `COMMENT ON COLUMN ${inCopy(column)}.${identifier(column.column)} IS ${literal(column.comment)};`,
      ),
  ];
  if (statements.length > 0) await session.run(statements.join('\n'));
}

/** Makes sure that a file's bytes, or a folder's names, are on the disk. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
