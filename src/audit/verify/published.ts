import { existsSync } from 'node:fs';
import { readOldCopy } from '../../publish/old-copy.ts';
import { count } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { identifier, literal, qualified, type TableName } from '../../warehouse/sql.ts';
import { columnList, type PresentTable, presentTables, tableKind } from '../../warehouse/tables.ts';
import type { Finding } from './finding.ts';

/** A table or view as the copy records it, beside the loader's own build. */
interface PublishedRelation extends TableName {
  run_id: number | null;
  stale: boolean;
  why: string | null;
  /** The run of the loader's own build; NULL where it has none. */
  own_run: number | null;
}

/**
 * Checks that analysts have what the loader has: each table row for row, each view by its SQL. Tables that the copy
 * marks as stale are expected to differ, and only reported.
 * @param target the file that analysts open
 * @param ids the models to check
 */
export async function verifyPublished(
  session: Session,
  target: string,
  ids: ReadonlySet<string>,
): Promise<Finding[]> {
  if (!existsSync(target)) {
    return [finding(target, 'skipped', 'nothing is published yet: asapp-warehouse build')];
  }
  const { home } = await session.row<{ home: string }>('SELECT current_database() AS home');
  return readOldCopy(session, target, async (_, copy) => {
    const tables = await tablesOf(session, copy);
    if (!tables) return [finding(target, 'skipped', 'an older program published it: asapp-warehouse build')];
    const findings: Finding[] = [];
    for (const table of tables)
      if (ids.has(`${table.schema}.${table.table}`))
        findings.push(await compare(session, { home, copy }, table));
    return findings;
  });
}

/** The names of both databases, as SQL. */
interface Databases {
  home: string;
  copy: string;
}

async function tablesOf(session: Session, copy: string): Promise<PublishedRelation[] | undefined> {
  if (!(await tableKind(session, { schema: 'ops', table: 'published_tables' }, copy))) return undefined;
  return session.rows<PublishedRelation & Record<string, string | number | boolean | null>>(
    `SELECT p.schema_name AS schema, p.table_name AS table, p.run_id, p.stale, p.why, m.run_id AS own_run
     FROM ${copy}.ops.published_tables AS p
     LEFT JOIN ops.models AS m ON m.model = p.schema_name || '.' || p.table_name ORDER BY ALL`,
  );
}

async function compare(session: Session, databases: Databases, table: PublishedRelation): Promise<Finding> {
  const name = `${table.schema}.${table.table}`;
  if (table.run_id === null) return finding(name, 'remark', `is not published: ${table.why}`);
  if (table.stale) return finding(name, 'remark', `analysts have an older one: ${table.why}`);
  if (table.run_id !== table.own_run)
    return finding(name, 'skipped', 'it is built otherwise since it was published: asapp-warehouse build');
  const [own, copied] = [
    await lookAt(session, databases.home, table),
    await lookAt(session, databases.copy, table),
  ];
  if (copied === undefined) return finding(name, 'broken', 'is not in the published file');
  // A view that reads staging is published as a table, and may differ since staging has changed.
  if (own?.kind !== copied.kind) return finding(name, 'remark', 'a view, published as what it showed then');
  if (shapeOf(own) !== shapeOf(copied))
    return finding(name, 'broken', 'has other columns, or other SQL, in the published file');
  if (own.kind === 'view') return finding(name, 'holds', 'the same view');
  const rows = (database: string) =>
    `SELECT hash(t) AS row FROM ${identifier(database)}.${qualified(table)} AS t`;
  const [ours, theirs] = [rows(databases.home), rows(databases.copy)];
  const { differing, total } = await session.row<{ differing: number; total: number }>(
    `SELECT (SELECT count(*) FROM ((${ours} EXCEPT ALL ${theirs}) UNION ALL (${theirs} EXCEPT ALL ${ours}))) AS differing,
       (SELECT count(*) FROM (${theirs})) AS total`,
  );
  return differing === 0
    ? finding(name, 'holds', `the same ${count(total, 'row')}`)
    : finding(
        name,
        'broken',
        `${count(differing, 'row')} not as in the loader's file: asapp-warehouse build --full-refresh --select ${name}`,
      );
}

function shapeOf({ kind, sql, columns }: PresentTable): string {
  return kind === 'view' ? sql : columnList(columns);
}

async function lookAt(
  session: Session,
  database: string,
  table: TableName,
): Promise<PresentTable | undefined> {
  const where = `schema = ${literal(table.schema)} AND "table" = ${literal(table.table)}`;
  const [found] = await presentTables(session, { database, where });
  return found;
}

function finding(name: string, result: Finding['result'], detail: string): Finding {
  return { check: 'published', name, result, detail };
}
