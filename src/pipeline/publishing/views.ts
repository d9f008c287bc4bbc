import type { Session } from '../../warehouse/session.ts';
import { identifier, qualified, type TableName } from '../../warehouse/sql.ts';
import { COPY, inCopy, PUBLIC_SCHEMAS } from './catalogue.ts';

/** Views are made anew: what they stand on may have changed. */
export async function dropViews(session: Session): Promise<void> {
  const views = await session.rows<TableName & Record<string, string>>(
    `SELECT schema_name AS schema, view_name AS table FROM duckdb_views()
     WHERE database_name = '${COPY}' AND NOT internal`,
  );
  for (const view of views) await session.run(`DROP VIEW ${inCopy(view)}`);
}

/**
 * Views come over as views, each after those it reads; one that reads staging, which is not published, as a table of what it
 * shows now.
 */
export async function copyViews(session: Session): Promise<void> {
  const views = await session.rows<TableName & { sql: string }>(
    `SELECT schema_name AS schema, view_name AS table, sql FROM duckdb_views()
     WHERE database_name = current_database() AND NOT internal AND NOT temporary AND ${PUBLIC_SCHEMAS}
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
