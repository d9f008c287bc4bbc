import { columnName, nameId } from '../feeds/names.ts';
import { sourceOrderByFeed } from '../ledger/sources.ts';
import { didYouMean } from '../text.ts';
import type { Session } from '../warehouse/session.ts';
import { identifier, literal, qualified, type TableName } from '../warehouse/sql.ts';
import { dedupComments, ownComments } from './comments.ts';
import { type DedupQuery, refresh, winners, winnersOfQuery } from './dialect/duckdb-dedup.ts';
import type { Model } from './model.ts';
import { ProjectError } from './problems.ts';
import { ALL_ROWS, modelTable } from './relations.ts';

/** What is to be run to make a model's table or view, and what is known of it beforehand. */
export interface Materialization {
  /** Make it anew. In order, in one transaction. */
  full: string[];
  /** Bring what is there up to date, in one transaction; undefined where it is made anew each time. */
  step: string[] | undefined;
  /** What is said of the table and its columns, to be run after either; looked up when it is asked for. */
  comments(): Promise<string[]>;
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
 * @param sql the model's SQL, rendered for all of its rows
 * @param watermark the newest file that the table has seen; 0 where it has seen none
 * @throws ModelError when the model's key or ordering names a column that is not there
 */
export async function materialize(
  session: Session,
  model: Model,
  sql: string,
  watermark = 0,
): Promise<Materialization> {
  const { config } = model;
  const target = modelTable(model.id);
  if (config.materialized === 'dedup') return materializeDedup(session, model, sql, watermark);
  const kind = config.materialized === 'view' ? 'VIEW' : 'TABLE';
  const described = await session.rows<{ column_name: string; column_type: string }>(`DESCRIBE (${sql}\n)`);
  const columns = described.map(({ column_name }) => column_name);
  const made = {
    full: [`CREATE OR REPLACE ${kind} ${qualified(target)} AS\n${sql}`],
    comments: async () => ownComments(model, kind, target, columns),
    rowsIn: undefined,
  };
  if (config.materialized !== 'incremental') {
    const definition = JSON.stringify([config.materialized, await meaning(session, sql)]);
    return { ...made, step: undefined, definition };
  }
  const { strategy, unique_key: uniqueKey = [] } = config;
  requireColumns(model, 'unique_key', uniqueKey, columns);
  const more = model.render({ ...ALL_ROWS, isIncremental: true }).sql;
  const meanings = [await meaning(session, sql), await meaning(session, more)];
  return {
    ...made,
    step: strategy === 'append' ? append(target, more) : merge(model, target, more, uniqueKey),
    definition: JSON.stringify([config.materialized, strategy, uniqueKey, described, ...meanings]),
  };
}

/** Adds the rows of a query, by the names of its columns. */
function append(target: TableName, sql: string): string[] {
  return [`INSERT INTO ${qualified(target)} BY NAME\n${sql}`];
}

/** The rows that an incremental model brings. */
const NEW_ROWS = 'incremental_rows';

/** Adds the rows of a query in place of those that have the same key. NULLs compare equal. */
function merge(model: Model, target: TableName, sql: string, uniqueKey: readonly string[]): string[] {
  const keys = uniqueKey.map(identifier);
  const same = keys.map((key) => `old.${key} IS NOT DISTINCT FROM new.${key}`).join(' AND ');
  const twice = `${model.file}: its new rows have one ${uniqueKey.join(', ')} twice: `;
  return [
    `CREATE OR REPLACE TEMP TABLE ${NEW_ROWS} AS\n${sql}`,
    `SELECT error(${literal(twice)} || concat_ws(', ', ${keys.join(', ')})) FROM ${NEW_ROWS}
GROUP BY ${keys.join(', ')} HAVING count(*) > 1 LIMIT 1`,
    `DELETE FROM ${qualified(target)} AS old USING ${NEW_ROWS} AS new WHERE ${same}`,
    `INSERT INTO ${qualified(target)} BY NAME FROM ${NEW_ROWS}`,
    `DROP TABLE ${NEW_ROWS}`,
  ];
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
  const source = plainSource(model, sql);
  const from = source ?? `(${sql})`;
  const present = await session.rows<{ column_name: string; column_type: string }>(`DESCRIBE FROM ${from}`);
  const names = present.map(({ column_name }) => column_name);
  const uniqueKey = columnsNamed(model.config.unique_key, names);
  const orderBy = columnsNamed(model.config.order_by, names);
  requireColumns(model, 'unique_key', uniqueKey, names);
  requireColumns(model, 'order_by', orderBy, names);
  requireOrigin(model, names);
  const data = names.filter((name) => !DROPPED.has(name) && !KEPT_LAST.includes(name));
  const columns = present.map(({ column_name: name, column_type: type }) => ({ name, type }));
  const types = new Map(columns.map(({ name, type }) => [name.toLowerCase(), type]));
  const orderTypes = orderBy.map((name) => types.get(name.toLowerCase()) as string);
  const rule = { uniqueKey, orderBy, orderTypes };
  const query: DedupQuery = { from, columns: [...data, ...KEPT_LAST], rule };
  return { query, source, columns };
}

async function materializeDedup(
  session: Session,
  model: Model,
  sql: string,
  watermark: number,
): Promise<Materialization> {
  const target = modelTable(model.id);
  const { query, source, columns } = await planDedup(session, model, sql);
  const { uniqueKey, orderBy } = query.rule;
  const byFeed = await sourceOrderByFeed(session);
  // Such columns once ranked as mere text.
  const ranks = query.rule.orderTypes.includes('VARCHAR') ? ['times and numbers in text'] : [];
  const orders = model.sources.flatMap(({ group, feed }) => byFeed.get(`${group}.${feed}`) ?? []);
  return {
    full: [
      `CREATE OR REPLACE TABLE ${qualified(target)} AS\n${source ? winners(query) : winnersOfQuery(query)}`,
    ],
    // The rows of a query have no `rowid`.
    step: source ? refresh(target, query, watermark) : undefined,
    comments: () => dedupComments(session, model, target, source, query.columns),
    definition: JSON.stringify([
      uniqueKey,
      orderBy,
      columns,
      await meaning(session, sql),
      ...ranks,
      ...orders,
    ]),
    rowsIn: `SELECT count(*) AS rows FROM ${query.from}`,
  };
}

/**
 * The staging table that a model selects everything from, when that is all it does. Only of such a table are rows known by
 * their file and line for good, and fetched by `rowid`: what a model gives may change any row, or drop it, and a view has
 * none. So over a `ref()`, a join or a condition, winners are looked for among all rows, each time.
 */
function plainSource({ refs, sources }: Model, sql: string): string | undefined {
  if (refs.length > 0 || sources.length !== 1) return undefined;
  const bare = sql.replace(/--.*$/gm, '').trim();
  return /^select\s+\*\s+from\s+((?:"(?:[^"]|"")+"\.)"(?:[^"]|"")+")$/i.exec(bare)?.[1];
}

/** Versions of a record rank by the file and the line that they came in, also where they come by way of another model. */
function requireOrigin({ file }: Model, present: readonly string[]): void {
  const missing = KEPT_LAST.filter((name) => !present.some((one) => one.toLowerCase() === name));
  if (missing.length === 0) return;
  const message = `a dedup model ranks its rows by where they came from: select ${missing.join(', ')} along, from source() or from a model that has them; or make it a table`;
  throw new ProjectError([{ file, message }]);
}

/** A model may name a field by its own name, also where its column has another. */
function columnsNamed(wanted: readonly string[], present: readonly string[]): string[] {
  const known = new Set(present.map(nameId));
  return wanted.map((name) => (known.has(nameId(name)) ? name : columnName(name)));
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
  const message = `${where} names ${missing.join(', ')}, which its rows do not have${guess}`;
  throw new ProjectError([{ file: model.file, message }]);
}

/** The query's meaning: the same for two spellings that differ in layout and comments. */
async function meaning(session: Session, sql: string): Promise<string> {
  const { tree } = await session.row<{ tree: string }>(
    `SELECT json_serialize_sql(${literal(sql)})::VARCHAR AS tree`,
  );
  return tree.replace(/"query_location":\d+/g, '""');
}
