import { planFunctions } from '../warehouse/plan-functions.ts';
import type { Session } from '../warehouse/session.ts';
import { identifier, qualified, type TableName } from '../warehouse/sql.ts';
import { type TableOrView, tablesAndViews, type Which } from '../warehouse/tables.ts';
import { COPY, inCopy, PUBLIC_SCHEMAS } from './catalogue.ts';
import { type HeldTable, isHeld } from './held.ts';

/**
 * Views are made anew: what they stand on may have changed. One that is to stay as it is becomes a table of what it shows,
 * before anything changes below it; it is a view again when it is no longer held.
 */
export async function dropViews(session: Session, held: readonly HeldTable[]): Promise<void> {
  const views = await viewsOf(session, { database: COPY });
  const frozen = views.filter((view) => isHeld(held, view));
  const name = (index: number) => `${COPY}.main.${identifier(`frozen_${index}`)}`;
  for (const [index, view] of frozen.entries())
    await inside(session, `CREATE OR REPLACE TABLE ${name(index)} AS FROM ${qualified(view)}`);
  for (const view of views) await session.run(`DROP VIEW ${inCopy(view)}`);
  for (const [index, view] of frozen.entries())
    await session.run(`CREATE TABLE ${inCopy(view)} AS FROM ${name(index)}; DROP TABLE ${name(index)}`);
}

/**
 * Views come over as views, each after those it reads; one that reads what an analyst does not have, staging or a file of
 * this machine, as a table of what it shows now.
 */
export async function copyViews(session: Session, held: readonly HeldTable[]): Promise<void> {
  const views = await viewsOf(session, { where: PUBLIC_SCHEMAS });
  let waiting = views.filter((view) => !isHeld(held, view));
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

async function viewsOf(session: Session, which: Which): Promise<TableOrView[]> {
  return (await tablesAndViews(session, which)).filter(({ kind }) => kind === 'view');
}

/** @returns false when what it reads is not there, or not yet */
async function copyView(session: Session, view: TableOrView): Promise<boolean> {
  await session.run(`CREATE SCHEMA IF NOT EXISTS ${COPY}.${identifier(view.schema)}`);
  if (FILES.test(view.sql) && (await readsFiles(session, view))) return false;
  return inside(session, view.sql).then(
    () => true,
    () => false,
  );
}

/** Without a quote or `query()` in its text no view reads a file: most need not be planned for it. */
const FILES = /'|query/i;

async function readsFiles(session: Session, view: TableName): Promise<boolean> {
  const names = await planFunctions(session, `FROM ${qualified(view)}`).catch(() => []);
  return names.some((name) => /^read_|^parquet_scan$|^glob$|^sniff_csv$/.test(name));
}

/** Runs a statement in the copy, where names without a database mean its own tables. */
async function inside(session: Session, sql: string): Promise<void> {
  const { home } = await session.row<{ home: string }>('SELECT current_database() AS home');
  await session.run(`USE ${COPY}`);
  try {
    await session.run(sql);
  } finally {
    await session.run(`USE ${identifier(home)}`);
  }
}
