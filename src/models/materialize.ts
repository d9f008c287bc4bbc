import { columnName, nameId } from '../feeds/names.ts';
import { sourceOrderByFeed } from '../ledger/sources.ts';
import { didYouMean } from '../text.ts';
import type { Session } from '../warehouse/session.ts';
import { dedupComments, type FeedComments, ownComments, readFeedComments } from './comments.ts';
import type { DedupQuery } from './dialect/dialect.ts';
import { dialectOf } from './dialect/engine.ts';
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

/** What a caller knows already of a model's table and its feeds. */
interface TableState {
  /** The newest file that the table has seen; left out where it has seen none. */
  watermark?: number;
  /** The order of the sources, by feed, as the ledger has it; left out, it is looked up. */
  orders?: ReadonlyMap<string, string>;
  /** What is said of the feeds; left out, it is looked up. */
  feedComments?: () => Promise<FeedComments>;
}

/** Columns of staging that a deduped table has no use for. */
const DROPPED = new Set(['_loaded_at', '_rescued']);
/** Columns of staging that a deduped table keeps, at its end. */
const KEPT_LAST = ['_partition_ts', '_file_id', '_line'];

/**
 * Plans how a model is made.
 * @param sql the model's SQL, rendered for all of its rows
 * @throws ModelError when the model's key or ordering names a column that is not there
 */
export async function materialize(
  session: Session,
  model: Model,
  sql: string,
  state: TableState = {},
): Promise<Materialization> {
  const { config } = model;
  if (config.materialized === 'dedup') return materializeDedup(session, model, sql, state);
  const dialect = dialectOf(session);
  const target = modelTable(model.id);
  const kind = config.materialized === 'view' ? 'view' : 'table';
  const described = await describe(session, sql);
  const columns = described.map(({ column_name }) => column_name);
  const made = {
    full: dialect.create(kind, target, sql),
    comments: async () => ownComments(dialect, model, kind, target, columns),
    rowsIn: undefined,
  };
  if (config.materialized !== 'incremental') {
    const definition = JSON.stringify([config.materialized, await meaning(session, sql)]);
    return { ...made, step: undefined, definition };
  }
  const { strategy, unique_key: uniqueKey = [] } = config;
  requireColumns(model, 'unique_key', uniqueKey, columns);
  const more = model.render({ ...ALL_ROWS, isIncremental: true }).sql;
  const twice = `${model.file}: its new rows have one ${uniqueKey.join(', ')} twice: `;
  const meanings = [await meaning(session, sql), await meaning(session, more)];
  return {
    ...made,
    step:
      strategy === 'append' ? dialect.append(target, more) : dialect.merge(target, more, uniqueKey, twice),
    definition: JSON.stringify([config.materialized, strategy, uniqueKey, described, ...meanings]),
  };
}

/** The columns of a query, as the engine tells them, with whatever else it tells. */
async function describe(
  session: Session,
  query: string,
): Promise<{ column_name: string; column_type: string }[]> {
  const statements = dialectOf(session).describe(query);
  for (const statement of statements.slice(0, -1)) await session.run(statement);
  return session.rows(statements.at(-1) as string);
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
  const present = await describe(session, `SELECT * FROM ${from}`);
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
  const isTable = source !== undefined;
  const query: DedupQuery = { from, isTable, columns: [...data, ...KEPT_LAST], rule };
  return { query, source, columns };
}

async function materializeDedup(
  session: Session,
  model: Model,
  sql: string,
  { watermark = 0, orders: byFeed, feedComments = () => readFeedComments(session) }: TableState,
): Promise<Materialization> {
  const dialect = dialectOf(session);
  const target = modelTable(model.id);
  const { query, source, columns } = await planDedup(session, model, sql);
  const { uniqueKey, orderBy } = query.rule;
  // Such columns once ranked as mere text.
  const ranks = query.rule.orderTypes.includes(dialect.type('VARCHAR')) ? ['times and numbers in text'] : [];
  const ordersKnown = byFeed ?? (await sourceOrderByFeed(session));
  const orders = model.sources.flatMap(({ group, feed }) => ordersKnown.get(`${group}.${feed}`) ?? []);
  return {
    full: dialect.create('table', target, dialect.winners(query)),
    step: query.isTable ? dialect.refresh(target, query, watermark) : undefined,
    comments: async () => dedupComments(dialect, model, target, source, query.columns, await feedComments()),
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
 * their file and line for good: what a model gives may change any row, or drop it. So over a `ref()`, a join or a condition,
 * winners are looked for among all rows, each time.
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
  const row = await session.row<{ meaning: string }>(dialectOf(session).meaning(sql));
  return row.meaning;
}
