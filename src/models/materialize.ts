import { ModelError } from '../errors.ts';
import type { Session } from '../warehouse/session.ts';
import { identifier, literal, qualified, type TableName } from '../warehouse/sql.ts';
import { type DedupQuery, refresh, winners, winnersOfQuery } from './dedup.ts';
import type { Model } from './model.ts';
import { didYouMean } from './nearest.ts';
import type { ColumnProperties } from './properties.ts';

/** What is to be run to make a model's table or view, and what is known of it beforehand. */
export interface Materialization {
  /** In order, in one transaction. */
  statements: string[];
  /** What is said of the table and its columns, to be run after the statements. */
  comments: string[];
  /** What the statements come from, by meaning: when it changes, the model is built from all of its rows. */
  definition: string;
  /** For a dedup model: a count of the rows that it ranks. */
  rowsIn: string | undefined;
}

/** Columns of staging that a deduped table has no use for. */
const DROPPED = new Set(['_loaded_at', '_rescued']);
/** Columns of staging that a deduped table keeps, at its end. */
const KEPT_LAST = ['_partition_ts', '_file_id', '_line'];

/**
 * Plans how a model is made.
 * @param sql the model's rendered SQL
 * @param watermark the newest file that the table has seen; undefined to make it anew
 * @throws ModelError when the model's key or ordering names a column that is not there
 */
export async function materialize(
  session: Session,
  model: Model,
  sql: string,
  watermark: number | undefined,
): Promise<Materialization> {
  const target = { schema: model.schema, table: model.name };
  if (model.config.materialized === 'dedup') return materializeDedup(session, model, target, sql, watermark);
  const kind = model.config.materialized === 'view' ? 'VIEW' : 'TABLE';
  const columns = await session.rows<{ column_name: string }>(`DESCRIBE (${sql}\n)`);
  const names = columns.map(({ column_name }) => column_name);
  return {
    statements: [`CREATE OR REPLACE ${kind} ${qualified(target)} AS\n${sql}`],
    comments: [
      ...(model.description ? [tableComment(kind, target, model.description)] : []),
      ...columnComments(target, names, new Map(), model.columns),
    ],
    definition: JSON.stringify([model.config, await meaning(session, sql)]),
    rowsIn: undefined,
  };
}

/** What a dedup model ranks, and what it keeps. */
export interface DedupPlan {
  query: DedupQuery;
  /** The staging table, where it selects everything from one; undefined where `query.from` is a query. */
  source: string | undefined;
  /** The columns of the rows that it ranks. */
  columns: readonly { name: string; type: string }[];
}

/**
 * Reads a dedup model's rule and looks up its columns.
 * @param sql the model's rendered SQL
 * @throws ModelError when the model's key or ordering names a column that is not there
 */
export async function planDedup(session: Session, model: Model, sql: string): Promise<DedupPlan> {
  if (model.config.materialized !== 'dedup') throw new Error(`${model.id} is no dedup model`);
  const { unique_key: uniqueKey, order_by: orderBy } = model.config;
  const source = plainSource(sql);
  const from = source ?? `(${sql})`;
  const present = await session.rows<{ column_name: string; column_type: string }>(`DESCRIBE FROM ${from}`);
  const names = present.map(({ column_name }) => column_name);
  requireColumns(model, 'unique_key', uniqueKey, names);
  requireColumns(model, 'order_by', orderBy, names);
  requireColumns(model, 'the query', KEPT_LAST, names);
  const data = names.filter((name) => !DROPPED.has(name) && !KEPT_LAST.includes(name));
  const query: DedupQuery = { from, columns: [...data, ...KEPT_LAST], rule: { uniqueKey, orderBy } };
  const columns = present.map(({ column_name: name, column_type: type }) => ({ name, type }));
  return { query, source, columns };
}

async function materializeDedup(
  session: Session,
  model: Model,
  target: TableName,
  sql: string,
  watermark: number | undefined,
): Promise<Materialization> {
  const { query, source, columns } = await planDedup(session, model, sql);
  const { uniqueKey, orderBy } = query.rule;
  const full = `CREATE OR REPLACE TABLE ${qualified(target)} AS\n${source ? winners(query) : winnersOfQuery(query)}`;
  return {
    statements: watermark === undefined || !source ? [full] : refresh(target, query, watermark),
    comments: await dedupComments(session, model, target, source, query.columns),
    definition: JSON.stringify([uniqueKey, orderBy, columns, await meaning(session, sql)]),
    rowsIn: `SELECT count(*) AS rows FROM ${query.from}`,
  };
}

/** The table that a model selects everything from, when that is all it does. */
function plainSource(sql: string): string | undefined {
  const bare = sql.replace(/--.*$/gm, '').trim();
  return /^select\s+\*\s+from\s+((?:"(?:[^"]|"")+"\.)"(?:[^"]|"")+")$/i.exec(bare)?.[1];
}

function requireColumns(
  model: Model,
  where: string,
  wanted: readonly string[],
  present: readonly string[],
): void {
  const known = new Set(present.map((name) => name.toLowerCase()));
  const missing = wanted.filter((name) => !known.has(name.toLowerCase()));
  if (missing.length === 0) return;
  const guess = didYouMean(missing[0] as string, present);
  throw new ModelError(
    `${model.file}: ${where} names ${missing.join(', ')}, which its rows do not have${guess}`,
  );
}

/** The query's meaning: the same for two spellings that differ in layout and comments. */
async function meaning(session: Session, sql: string): Promise<string> {
  const { tree } = await session.row<{ tree: string }>(
    `SELECT json_serialize_sql(${literal(sql)})::VARCHAR AS tree`,
  );
  return tree.replace(/"query_location":\d+/g, '""');
}

/** Descriptions of the table and its columns: the model's own, else those of the feed. */
async function dedupComments(
  session: Session,
  model: Model,
  target: TableName,
  source: string | undefined,
  columns: readonly string[],
): Promise<string[]> {
  const inherited = source === undefined ? new Map<string, string>() : await commentsOf(session, source);
  const table = model.description || (await feedComment(session, model));
  return [tableComment('TABLE', target, table), ...columnComments(target, columns, inherited, model.columns)];
}

/** What a deduped table holds, by what the schema documents say of its feed. */
async function feedComment(session: Session, { sources, name }: Model): Promise<string> {
  const { group, feed } = sources[0] ?? { group: '', feed: name };
  const [found] = await session.rows<{ description: string }>(
    `SELECT description FROM ops.feeds
     WHERE feed_group = $1 AND feed || CASE WHEN version = '1' THEN '' ELSE '__v' || version END = $2`,
    [group, feed],
  );
  return `The latest version of each record of ${feed}. ${found?.description ?? ''}`.trim();
}

function tableComment(kind: 'TABLE' | 'VIEW', target: TableName, comment: string): string {
  return `COMMENT ON ${kind} ${qualified(target)} IS ${literal(comment)}`;
}

/**
 * @param columns those that the table has: what is said of others has nothing to land on
 * @param inherited comments by column, for those that the model itself says nothing of
 */
function columnComments(
  target: TableName,
  columns: readonly string[],
  inherited: ReadonlyMap<string, string>,
  described: readonly ColumnProperties[],
): string[] {
  const own = new Map(described.map(({ name, description }) => [name.toLowerCase(), description]));
  return columns.flatMap((name) => {
    const comment = own.get(name.toLowerCase()) || inherited.get(name);
    if (!comment) return [];
    return [`COMMENT ON COLUMN ${qualified(target)}.${identifier(name)} IS ${literal(comment)}`];
  });
}

/** What the columns of a table are said to hold. @param table as SQL names it */
async function commentsOf(session: Session, table: string): Promise<Map<string, string>> {
  const rows = await session.rows<{ name: string; comment: string }>(
    `SELECT column_name AS name, comment FROM duckdb_columns()
     WHERE database_name = current_database() AND comment IS NOT NULL
       AND '"' || replace(schema_name, '"', '""') || '"."' || replace(table_name, '"', '""') || '"' = $1`,
    [table],
  );
  return new Map(rows.map(({ name, comment }) => [name, comment]));
}
