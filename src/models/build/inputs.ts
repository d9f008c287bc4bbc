import { createHash } from 'node:crypto';
import { STAGING_SCHEMAS } from '../../feeds/names.ts';
import { ledger } from '../../ledger/ledger.ts';
import { sourceOrderByFeed } from '../../ledger/sources.ts';
import type { BuiltModel } from '../../ledger/tables.ts';
import type { Session } from '../../warehouse/session.ts';
import { columnsSql, presentRelations } from '../../warehouse/tables.ts';
import type { Model } from '../model.ts';

/** What a model is made of. */
export interface Inputs {
  /** A hash of its file as rendered, and of what is said of it. */
  text: string;
  /** How far the feeds and models it reads had come, and the columns of the feeds. */
  data: string;
  /** The newest file among those. */
  newest: number;
}

/** How far a feed has come: its files, and those that were replaced. */
interface FeedState {
  newest: number;
  replaced: number;
}

/** What a model's rows come from. */
export interface Origin {
  /** Feeds, as `group.feed`, by itself or through the models that it reads. */
  sources: string[];
  /** The newest partition among them. */
  data_up_to: Date | null;
}

/** What the models of one build are made of: looked up once, and kept up to date as they are built. */
export class BuildInputs {
  /** What each model was last built from, by id. */
  readonly built: Map<string, BuiltModel>;
  /** Tables and views that are there, as `schema.name`. */
  readonly present: Set<string>;
  /** By the feed's table: `messaging.calls__v2`. */
  readonly #feeds: ReadonlyMap<string, FeedState>;
  /** The columns of each staging table, as one text. */
  readonly #columns: ReadonlyMap<string, string>;
  /** The order of the sources of each feed that several deliver, by which their rows rank. */
  readonly #orders: ReadonlyMap<string, string>;
  /** The newest partition of each feed. */
  readonly #newest: ReadonlyMap<string, Date>;

  private constructor(
    built: Map<string, BuiltModel>,
    present: Set<string>,
    feeds: ReadonlyMap<string, FeedState>,
    columns: ReadonlyMap<string, string>,
    orders: ReadonlyMap<string, string>,
    newest: ReadonlyMap<string, Date>,
  ) {
    this.built = built;
    this.present = present;
    this.#feeds = feeds;
    this.#columns = columns;
    this.#orders = orders;
    this.#newest = newest;
  }

  static async read(session: Session): Promise<BuildInputs> {
    const built = await ledger(session).selectFrom('ops.models').selectAll().execute();
    return new BuildInputs(
      new Map(built.map((row) => [row.model, row])),
      await presentRelations(session),
      await feedStates(session),
      await stagingColumns(session),
      await sourceOrderByFeed(session),
      await newestPartitions(session),
    );
  }

  /** What a model is made of now. @param sql as it is rendered */
  of(model: Model, sql: string): Inputs {
    const read = model.sources.map(({ group, feed }) => this.#feeds.get(`${group}.${feed}`));
    const shapes = model.sources.map(({ group, feed }) => this.#columns.get(`staging_${group}.${feed}`));
    const orders = model.sources.flatMap(({ group, feed }) => this.#orders.get(`${group}.${feed}`) ?? []);
    const { config, description, columns, tests } = model;
    // Tests are looked over before a build: one that is new is reason to.
    const said = JSON.stringify([sql, config, description, columns, tests], plain);
    return {
      text: createHash('sha256').update(said).digest('hex'),
      data: JSON.stringify([
        read,
        shapes,
        model.refs.map((id) => this.built.get(id)?.run_id ?? 0),
        ...orders,
      ]),
      newest: Math.max(0, ...read.map((feed) => feed?.newest ?? 0)),
    };
  }

  /** Where the rows of a model come from. @param model of which those that it reads are built */
  originOf({ sources, refs }: Model): Origin {
    const parents = refs.flatMap((id) => this.built.get(id) ?? []);
    const feeds = sources.map(({ group, feed }) => `${group}.${feed}`);
    const times = [
      ...feeds.map((feed) => this.#newest.get(feed)),
      ...parents.map(({ data_up_to }) => data_up_to ?? undefined),
    ].filter((time) => time !== undefined);
    return {
      sources: [...new Set([...feeds, ...parents.flatMap((parent) => parent.sources ?? [])])].sort(),
      data_up_to: times.length > 0 ? new Date(Math.max(...times.map(Number))) : null,
    };
  }

  /** Whether something has come of every feed that a model reads. */
  hasFeeds({ sources }: Model): boolean {
    return sources.every(({ group, feed }) => this.present.has(`staging_${group}.${feed}`));
  }

  /** Why a model cannot be built yet: nothing has come of a feed it reads, or a model it reads is not there. */
  missing(model: Model): string | undefined {
    const source = model.sources.find(({ group, feed }) => !this.present.has(`staging_${group}.${feed}`));
    if (source) return `nothing has come of ${source.group}.${source.feed} yet`;
    const absent = model.refs.find((id) => !this.present.has(id));
    return absent && `${absent} is not there`;
  }
}

/** Templates give whole numbers as big ones, which JSON does not know. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

async function feedStates(session: Session): Promise<Map<string, FeedState>> {
  const rows = await session.rows<FeedState & { name: string }>(
    `SELECT feed_group || '.' || feed || CASE WHEN version = '1' THEN '' ELSE '__v' || version END AS name,
       max(file_id) AS newest, count(superseded_by) AS replaced
     FROM ops.files GROUP BY ALL`,
  );
  return new Map(rows.map(({ name, ...state }) => [name, state]));
}

async function newestPartitions(session: Session): Promise<Map<string, Date>> {
  const rows = await session.rows<{ name: string; newest: Date }>(
    `SELECT feed_group || '.' || feed || CASE WHEN version = '1' THEN '' ELSE '__v' || version END AS name,
       max(partition_ts) AS newest
     FROM ops.files WHERE superseded_by IS NULL GROUP BY ALL`,
  );
  return new Map(rows.map(({ name, newest }) => [name, newest]));
}

async function stagingColumns(session: Session): Promise<Map<string, string>> {
  const rows = await session.rows<{ name: string; columns: string }>(
    `SELECT schema || '.' || "table" AS name, md5(string_agg(c.name || ' ' || type, ', ' ORDER BY place)) AS columns
     FROM (${columnsSql()}) AS c WHERE ${STAGING_SCHEMAS} GROUP BY ALL`,
  );
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}
