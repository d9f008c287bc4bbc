import { type Catalogue, feedOfTable } from '../../feeds/catalogue.ts';
import { STAGING_COLUMNS, STAGING_SCHEMAS, stagingTable } from '../../feeds/names.ts';
import { migrate } from '../../ledger/migrations.ts';
import type { Session } from '../../warehouse/session.ts';
import { identifier, qualified, type TableName } from '../../warehouse/sql.ts';
import { columnList, presentColumns, tableId } from '../../warehouse/tables.ts';
import { Warehouse } from '../../warehouse/warehouse.ts';
import type { Project } from '../assemble.ts';
import { planDedup } from '../materialize.ts';
import type { Model } from '../model.ts';
import type { Relation } from '../relation-call.ts';
import { modelTable, renderModel, sourceTable } from '../relations.ts';

/** A column, as far as SQL over it needs to know. */
export interface ShapeColumn {
  name: string;
  type: string;
}

/** Types that columns of staging tables are to have, by `schema.table` and the column's name in lower case. */
export type Retypes = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * The columns that feeds and models will have, known before anything is built.
 *
 * An empty warehouse in memory gets the staging tables as they are (or, before any data came, as they are documented),
 * and on them the models as they are written now. What DuckDB makes of that is what a build would make of it.
 */
export class Shapes implements AsyncDisposable {
  readonly #project: Project;
  readonly #catalogue: Catalogue;
  readonly #real: Session;
  readonly #retypes: Retypes;
  readonly #known = new Map<string, Promise<readonly ShapeColumn[] | undefined>>();
  #scratch: Promise<{ warehouse: Warehouse; session: Session }> | undefined;
  #staged: ReturnType<typeof presentColumns> | undefined;

  /**
   * @param real the warehouse, whose staging tables are looked up
   * @param retypes types in place of those that are there, to see what would come of them
   */
  constructor(project: Project, catalogue: Catalogue, real: Session, retypes: Retypes = new Map()) {
    this.#project = project;
    this.#catalogue = catalogue;
    this.#real = real;
    this.#retypes = retypes;
  }

  /** The empty warehouse. It has what was asked for so far, and all that this reads. */
  async session(): Promise<Session> {
    this.#scratch ??= openScratch();
    return (await this.#scratch).session;
  }

  /** @returns undefined where nobody knows: no data came of a feed that is not documented, or a model's SQL is wrong */
  of(relation: Relation): Promise<readonly ShapeColumn[] | undefined> {
    if (relation.kind === 'model') return this.model(relation.id);
    if (relation.kind === 'source') return this.source(relation.group, relation.feed);
    throw new Error('this has no columns of its own');
  }

  model(id: string): Promise<readonly ShapeColumn[] | undefined> {
    return this.#once(id, () => this.#makeModel(id));
  }

  source(group: string, feed: string): Promise<readonly ShapeColumn[] | undefined> {
    return this.#once(`staging_${group}.${feed}`, () => this.#makeSource(group, feed));
  }

  /** Whether everything that a model, or a query, reads is known. */
  async knows({ refs, sources }: Pick<Model, 'refs' | 'sources'>): Promise<boolean> {
    for (const id of refs) if (!(await this.model(id))) return false;
    for (const { group, feed } of sources) if (!(await this.source(group, feed))) return false;
    return true;
  }

  #once(name: string, make: () => Promise<readonly ShapeColumn[] | undefined>) {
    const known = this.#known.get(name) ?? make();
    this.#known.set(name, known);
    return known;
  }

  async #makeSource(group: string, feed: string): Promise<readonly ShapeColumn[] | undefined> {
    const table = sourceTable(group, feed);
    this.#staged ??= presentColumns(this.#real, { where: STAGING_SCHEMAS });
    const staged = (await this.#staged).get(tableId(table)) ?? [];
    const documented = feedOfTable(this.#catalogue, group, feed)?.columns ?? [];
    if (staged.length === 0 && documented.length === 0) return undefined;
    const retypes = this.#retypes.get(tableId(table));
    const columns = merged(staged, [...documented, ...STAGING_COLUMNS]).map(({ name, type }) => ({
      name,
      type: retypes?.get(name.toLowerCase()) ?? type,
    }));
    await makeTable(await this.session(), table, columns);
    return columns;
  }

  async #makeModel(id: string): Promise<readonly ShapeColumn[] | undefined> {
    const model = this.#project.models.get(id);
    if (!model || !(await this.knows(model))) return undefined;
    const session = await this.session();
    try {
      return await makeModel(session, model);
    } catch {
      // It may read something that only the warehouse has; if it is wrong, building it will say so.
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const scratch = await this.#scratch;
    await scratch?.warehouse[Symbol.asyncDispose]();
  }
}

async function openScratch(): Promise<{ warehouse: Warehouse; session: Session }> {
  const warehouse = await Warehouse.open(':memory:', { threads: 1 });
  const session = await warehouse.session();
  // For models that rank by the files' order, or read the ledger.
  await migrate(session, new Date(0));
  return { warehouse, session };
}

async function makeModel(session: Session, model: Model): Promise<readonly ShapeColumn[]> {
  const sql = renderModel(model);
  const table = modelTable(model.id);
  if (model.config.materialized === 'dedup') {
    const { query, columns } = await planDedup(session, model, sql);
    const types = new Map(columns.map(({ name, type }) => [name, type]));
    const kept = query.columns.map((name) => ({ name, type: types.get(name) as string }));
    await makeTable(session, table, kept);
    return kept;
  }
  await session.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(table.schema)};
CREATE OR REPLACE VIEW ${qualified(table)} AS\n${sql}`);
  return columnsIn(session, table);
}

/** `more` added where `columns` have no such name: DuckDB's names ignore case. */
export function merged(columns: readonly ShapeColumn[], more: readonly ShapeColumn[]): ShapeColumn[] {
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  const added = more.filter(({ name }) => !taken.has(name.toLowerCase()));
  return [...columns, ...added].map(({ name, type }) => ({ name, type }));
}

/**
 * The types that documents give. Unit tests go by these: what they say of a model is not to change with the values that
 * happened to come, which may have made a column text.
 */
export function documentedTypes(catalogue: Catalogue): Retypes {
  const feeds = catalogue.groups.flatMap((group) => [...catalogue.feeds(group)]);
  return new Map(
    feeds.map(({ group, feed, version, columns }) => {
      const { schema, table } = stagingTable(group, feed, version);
      const types = columns.map(({ name, type }) => [name.toLowerCase(), type] as const);
      return [`${schema}.${table}`, new Map(types)];
    }),
  );
}

/** Makes an empty table, whatever was there by that name. */
export async function makeTable(
  session: Session,
  table: TableName,
  columns: readonly ShapeColumn[],
): Promise<void> {
  await session.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(table.schema)};
CREATE OR REPLACE TABLE ${qualified(table)} (${columnList(columns)})`);
}

export async function columnsIn(session: Session, table: TableName): Promise<ShapeColumn[]> {
  return columnsOfQuery(session, `FROM ${qualified(table)}`);
}

async function columnsOfQuery(session: Session, sql: string): Promise<ShapeColumn[]> {
  const rows = await session.rows<{ column_name: string; column_type: string }>(`DESCRIBE ${sql}`);
  return rows.map(({ column_name: name, column_type: type }) => ({ name, type }));
}
