import { createHash } from 'node:crypto';
import { STAGING_SCHEMAS } from '../../feeds/names.ts';
import { type StagingProgress, stagingProgress } from '../../ledger/feeds.ts';
import { builtModels } from '../../ledger/models.ts';
import { sourceOrderByFeed } from '../../ledger/sources.ts';
import type { BuiltModel } from '../../ledger/tables.ts';
import { bigintText } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { columnsSql, tableId, tablesAndViews } from '../../warehouse/tables.ts';
import type { RelationKind } from '../dialect/dialect.ts';
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
  /** What is there, as `schema.name`: tables and views. */
  readonly present: Map<string, RelationKind>;
  /** How far each feed has come, by its table: `messaging.calls__v2`. */
  readonly feeds: ReadonlyMap<string, StagingProgress>;
  /** The columns of each staging table, as one text. */
  readonly #columns: ReadonlyMap<string, string>;
  /** The order of the sources of each feed that several deliver, by which their rows rank. */
  readonly orders: ReadonlyMap<string, string>;

  private constructor(
    built: Map<string, BuiltModel>,
    present: Map<string, RelationKind>,
    feeds: ReadonlyMap<string, StagingProgress>,
    columns: ReadonlyMap<string, string>,
    orders: ReadonlyMap<string, string>,
  ) {
    this.built = built;
    this.present = present;
    this.feeds = feeds;
    this.#columns = columns;
    this.orders = orders;
  }

  static async read(session: Session): Promise<BuildInputs> {
    return new BuildInputs(
      await builtModels(session),
      new Map((await tablesAndViews(session)).map((one) => [tableId(one), one.kind])),
      await stagingProgress(session),
      await stagingColumns(session),
      await sourceOrderByFeed(session),
    );
  }

  /** What a model is made of now. @param sql as it is rendered */
  of(model: Model, sql: string): Inputs {
    const read = model.sources.map(({ group, feed }) => {
      const progress = this.feeds.get(`${group}.${feed}`);
      return progress && { newest: progress.file, replaced: progress.replaced };
    });
    const orders = model.sources.flatMap(({ group, feed }) => this.orders.get(`${group}.${feed}`) ?? []);
    const { config, description, columns, tests } = model;
    // Tests are looked over before a build: one that is new is reason to.
    const said = JSON.stringify([sql, config, description, columns, tests], bigintText);
    return {
      text: createHash('sha256').update(said).digest('hex'),
      data: JSON.stringify([
        read,
        this.#shapes(model),
        model.refs.map((id) => this.built.get(id)?.run_id ?? 0),
        ...orders,
      ]),
      newest: Math.max(0, ...read.map((feed) => feed?.newest ?? 0)),
    };
  }

  #shapes({ sources }: Model): (string | undefined)[] {
    return sources.map(({ group, feed }) => this.#columns.get(`staging_${group}.${feed}`));
  }

  /** Whether a model was last built with the text that it has now, from feeds with the columns that they have now. */
  isAsBuilt(model: Model, sql: string): boolean {
    const known = this.built.get(model.id);
    if (known === undefined || known.inputs === '' || known.text !== this.of(model, sql).text) return false;
    const [, shapes] = JSON.parse(known.inputs) as unknown[];
    return JSON.stringify(shapes) === JSON.stringify(this.#shapes(model));
  }

  /** About how many rows a model reads. @param model of which those that it reads are built */
  rowsRead({ sources, refs }: Model): number {
    return [
      ...sources.map(({ group, feed }) => this.feeds.get(`${group}.${feed}`)?.rows ?? 0),
      ...refs.map((id) => this.built.get(id)?.rows ?? 0),
    ].reduce((total, rows) => total + rows, 0);
  }

  /** Where the rows of a model come from. @param model of which those that it reads are built */
  originOf({ sources, refs }: Model): Origin {
    const parents = refs.flatMap((id) => this.built.get(id) ?? []);
    const feeds = sources.map(({ group, feed }) => `${group}.${feed}`);
    const times = [
      ...feeds.map((feed) => this.feeds.get(feed)?.partition),
      ...parents.map(({ data_up_to }) => data_up_to),
    ].filter((time) => time != null);
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

async function stagingColumns(session: Session): Promise<Map<string, string>> {
  const rows = await session.rows<{ name: string; columns: string }>(
    `SELECT schema || '.' || "table" AS name, md5(string_agg(c.name || ' ' || type, ', ' ORDER BY place)) AS columns
     FROM (${columnsSql()}) AS c WHERE ${STAGING_SCHEMAS} GROUP BY ALL`,
  );
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}
