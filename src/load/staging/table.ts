import type { FeedSpec } from '../../feeds/catalogue.ts';
import { columnComment, STAGED_COMMENT } from '../../feeds/comments.ts';
import { isStagingColumn, STAGING_COLUMNS, stagingTable } from '../../feeds/names.ts';
import type { ColumnType } from '../../feeds/types.ts';
import type { Session } from '../../warehouse/session.ts';
import { commentText, identifier, literal, qualified, type TableName } from '../../warehouse/sql.ts';
import { columnList, presentColumns, tableColumns, tableId } from '../../warehouse/tables.ts';
import type { Column } from './columns.ts';
import { spellings } from './spelled.ts';

/** A staging table as it is in the warehouse, which may differ from what is published. */
export interface StagingTable extends TableName {
  spec: FeedSpec;
  /** The data columns, without the loader's own. */
  columns: readonly Column[];
}

/** Nobody published columns for the feed: they are inferred from its data. */
export function isInferred({ spec }: StagingTable): boolean {
  return spec.columns.length === 0;
}

/** The feed's staging table, see {@link openStagingTables}. */
export async function openStagingTable(session: Session, spec: FeedSpec): Promise<StagingTable> {
  const [table] = await openStagingTables(session, [spec]);
  return table as StagingTable;
}

/**
 * The staging tables of feeds, made or given the columns they lack. Columns that are there keep their types: changing one is
 * a schema change, not a side effect of loading.
 */
export async function openStagingTables(
  session: Session,
  specs: readonly FeedSpec[],
): Promise<StagingTable[]> {
  const names = specs.map(({ group, feed, version }) => stagingTable(group, feed, version));
  const schemas = new Set(names.map(({ schema }) => literal(schema)));
  const present = await presentColumns<ColumnType>(session, {
    where: `schema IN (${[...schemas].join(', ')})`,
  });
  const spelling = await spellings(session);
  const missing: string[] = [];
  const tables: StagingTable[] = [];
  for (const [index, spec] of specs.entries()) {
    const name = names[index] as TableName;
    const found = present.get(tableId(name))?.filter((column) => !isStagingColumn(column.name));
    const there = new Set(found?.map((column) => column.name.toLowerCase()));
    const added = spec.columns.filter((column) => !there.has(column.name.toLowerCase()));
    if (found) await addColumns(session, name, added);
    else missing.push(createTable(name, spec));
    tables.push({ ...name, spec, columns: [...(found ?? []), ...added].map(spelling(spec)) });
  }
  // Some dozens of statements a table: each on its own would wait for the disk.
  if (missing.length > 0) await session.transaction(() => session.run(missing.join('\n')));
  return tables;
}

/**
 * Adds columns before any data needs them.
 * They come after the loader's own in the table, whose columns are always used by name.
 */
export async function addColumns(
  session: Session,
  name: TableName,
  columns: readonly Column[],
): Promise<void> {
  for (const column of columns) {
    const table = qualified(name);
    const text = columnComment({ description: '', pii: '', ...column });
    await session.run(
      `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${identifier(column.name)} ${column.type};${
        text && `\nCOMMENT ON COLUMN ${table}.${identifier(column.name)} IS ${commentText(text)};`
      }`,
    );
  }
}

/** The data columns of a staging table; undefined when there is no such table. */
export async function dataColumns(session: Session, name: TableName): Promise<Column[] | undefined> {
  const columns = await tableColumns<ColumnType>(session, name);
  return columns.length === 0 ? undefined : columns.filter((column) => !isStagingColumn(column.name));
}

/** The statements that make a feed's staging table. */
export function createTable(name: TableName, spec: FeedSpec): string {
  const columns = [
    ...spec.columns.map((column) => ({ ...column, comment: columnComment(column) })),
    ...STAGING_COLUMNS,
  ];
  const table = qualified(name);
  return [
    `CREATE SCHEMA IF NOT EXISTS ${identifier(name.schema)};`,
    `CREATE TABLE ${table} (${columnList(columns)});`,
    `COMMENT ON TABLE ${table} IS ${commentText(`${STAGED_COMMENT} ${spec.description}`.trim())};`,
    ...columns
      .filter((column) => column.comment !== '')
      .map(
        (column) =>
          `COMMENT ON COLUMN ${table}.${identifier(column.name)} IS ${commentText(column.comment)};`,
      ),
  ].join('\n');
}
