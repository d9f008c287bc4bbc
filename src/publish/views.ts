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
  const freeze = frozen.map(
    (view, index) => `CREATE OR REPLACE TABLE ${name(index)} AS FROM ${qualified(view)}`,
  );
  if (freeze.length > 0) await inDatabaseOfCopy(session, (run) => run(freeze.join(';\n')));
  const statements = [
    ...views.map((view) => `DROP VIEW ${inCopy(view)}`),
    ...frozen.map(
      (view, index) => `CREATE TABLE ${inCopy(view)} AS FROM ${name(index)}; DROP TABLE ${name(index)}`,
    ),
  ];
  if (statements.length > 0) await session.run(statements.join(';\n'));
}

/**
 * Copies views as views, each after those it reads. A view that reads what analysts do not have, staging or a file of
 * this machine, becomes a table of what it shows now.
 */
export async function copyViews(session: Session, held: readonly HeldTable[]): Promise<void> {
  const views = await viewsOf(session, { where: PUBLIC_SCHEMAS });
  let waiting = views.filter((view) => !isHeld(held, view));
  for (;;) {
    const left = await copyThoseThatCan(session, waiting);
    const [first] = left;
    if (first === undefined) return;
    // No further view can be copied as a view: the first of the rest becomes a table, which others may need.
    if (left.length === waiting.length) {
      await session.run(`CREATE SCHEMA IF NOT EXISTS ${COPY}.${identifier(first.schema)};
CREATE TABLE ${inCopy(first)} AS FROM ${qualified(first)}`);
      left.shift();
    }
    waiting = left;
  }
}

/** @returns views that read what is not there, or not yet */
async function copyThoseThatCan(session: Session, views: readonly TableOrView[]): Promise<TableOrView[]> {
  const left: TableOrView[] = [];
  const able: TableOrView[] = [];
  for (const view of views) {
    const reads = FILES.test(view.sql) && (await readsFiles(session, view));
    (reads ? left : able).push(view);
  }
  await inDatabaseOfCopy(session, async (run) => {
    for (const view of able)
      await run(`CREATE SCHEMA IF NOT EXISTS ${identifier(view.schema)};\n${view.sql}`).catch(() =>
        left.push(view),
      );
  });
  return views.filter((view) => left.includes(view));
}

async function viewsOf(session: Session, which: TableFilter): Promise<TableOrView[]> {
  return (await tablesAndViews(session, which)).filter(({ kind }) => kind === 'view');
}

/** A view that reads a file has a quote or `query()` in its text, so most views need not be planned to find out. */
const FILES = /'|query/i;

async function readsFiles(session: Session, view: TableName): Promise<boolean> {
  const names = await planFunctions(session, `FROM ${qualified(view)}`).catch(() => []);
  return names.some((name) => /^read_|^parquet_scan$|^glob$|^sniff_csv$/.test(name));
}

/** Runs statements in the copy, where names without a database mean its own tables. */
async function inDatabaseOfCopy(
  session: Session,
  work: (run: (sql: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const { home } = await session.row<{ home: string }>('SELECT current_database() AS home');
  await session.run(`USE ${COPY}`);
  try {
    await work((sql) => session.run(sql));
  } finally {
    await session.run(`USE ${identifier(home)}`);
  }
}
