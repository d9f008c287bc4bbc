import { planFunctions } from '../warehouse/plan-functions.ts';
import type { Session } from '../warehouse/session.ts';
import { identifier, qualified, type TableName } from '../warehouse/sql.ts';
import { type TableFilter, type TableOrView, tablesAndViews } from '../warehouse/tables.ts';
import { COPY, inCopy, PUBLIC_SCHEMAS } from './catalogue.ts';
import { type HeldTable, isHeld } from './held-tables.ts';

/**
 * Drops the views of the copy, since the tables they read may have changed; they are made again later. A held view
 * becomes a table of what it shows, before the tables below it change. It is a view again once it is no longer held.
 */
export async function dropViews(session: Session, held: readonly HeldTable[]): Promise<void> {
  const views = await viewsOf(session, { database: COPY });
  const frozen = views.filter((view) => isHeld(held, view));
  const name = (index: number) => `${COPY}.main.${identifier(`frozen_${index}`)}`;
  for (const [index, view] of frozen.entries())
    await runInCopy(session, `CREATE OR REPLACE TABLE ${name(index)} AS FROM ${qualified(view)}`);
  for (const view of views) await session.run(`DROP VIEW ${inCopy(view)}`);
  for (const [index, view] of frozen.entries())
    await session.run(`CREATE TABLE ${inCopy(view)} AS FROM ${name(index)}; DROP TABLE ${name(index)}`);
}

/**
 * Copies views as views, each after those it reads. A view that reads what analysts do not have, staging or a file of
 * this machine, becomes a table of what it shows now.
 */
export async function copyViews(session: Session, held: readonly HeldTable[]): Promise<void> {
  const views = await viewsOf(session, { where: PUBLIC_SCHEMAS });
  let waiting = views.filter((view) => !isHeld(held, view));
  for (;;) {
    const left: typeof views = [];
    for (const view of waiting) if (!(await copyView(session, view))) left.push(view);
    const [first] = left;
    if (first === undefined) return;
    // No further view can be copied as a view: the first of the rest becomes a table, which others may need.
    if (left.length === waiting.length) {
      await session.run(`CREATE TABLE ${inCopy(first)} AS FROM ${qualified(first)}`);
      left.shift();
    }
    waiting = left;
  }
}

async function viewsOf(session: Session, which: TableFilter): Promise<TableOrView[]> {
  return (await tablesAndViews(session, which)).filter(({ kind }) => kind === 'view');
}

/** @returns false when what it reads is not there, or not yet */
async function copyView(session: Session, view: TableOrView): Promise<boolean> {
  await session.run(`CREATE SCHEMA IF NOT EXISTS ${COPY}.${identifier(view.schema)}`);
  if (FILES.test(view.sql) && (await readsFiles(session, view))) return false;
  return runInCopy(session, view.sql).then(
    () => true,
    () => false,
  );
}

/** A view that reads a file has a quote or `query()` in its text, so most views need not be planned to find out. */
const FILES = /'|query/i;

async function readsFiles(session: Session, view: TableName): Promise<boolean> {
  const names = await planFunctions(session, `FROM ${qualified(view)}`).catch(() => []);
  return names.some((name) => /^read_|^parquet_scan$|^glob$|^sniff_csv$/.test(name));
}

/** Runs a statement in the copy, where names without a database mean its own tables. */
async function runInCopy(session: Session, sql: string): Promise<void> {
  const { home } = await session.row<{ home: string }>('SELECT current_database() AS home');
  await session.run(`USE ${COPY}`);
  try {
    await session.run(sql);
  } finally {
    await session.run(`USE ${identifier(home)}`);
  }
}
