import type { ColumnDoc, ExportDocument, FeedDoc } from '../../src/feeds/documents/document.ts';
import type { Overrides } from '../../src/feeds/documents/overrides.ts';
import type { KnownFeed, WantedFeed } from '../../src/feeds/followed.ts';
import { loadOnly } from '../../src/run/run.ts';
import { advance } from '../../src/schema/compare/advance.ts';
import { compare } from '../../src/schema/compare/compare.ts';
import { wantedFeeds } from '../../src/schema/compare/wanted.ts';
import { applySchema, type SchemaOptions, type SchemaResult } from '../../src/schema/follow.ts';
import type { Row } from '../../src/warehouse/session.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';
import { Project } from '../support/project.ts';

export const TODAY = '2026-02-01';

export function columnDoc(name: string, type: string, more: Partial<ColumnDoc> = {}): ColumnDoc {
  return {
    name,
    type,
    description: '',
    pii: '',
    created: undefined,
    updated: undefined,
    deleted: undefined,
    ...more,
  };
}

/** A feed with the columns given as `{ name: type }`. */
export function feedDoc(
  name: string,
  columns: Record<string, string | ColumnDoc>,
  more: Partial<FeedDoc> = {},
): FeedDoc {
  return {
    name,
    version: '1',
    description: `All about ${name}.`,
    key: ['id'],
    orderBy: [],
    cadenceMinutes: 60,
    active: undefined,
    modified: undefined,
    deprecated: undefined,
    expectedEnd: undefined,
    actualEnd: undefined,
    replacement: '',
    columns: Object.entries(columns).map(([column, type]) =>
      typeof type === 'string' ? columnDoc(column, type) : type,
    ),
    ...more,
  };
}

/** What a document of the group `messaging` asks for. */
export function wantedOf(
  feeds: readonly FeedDoc[],
  known: readonly KnownFeed[] = [],
  overrides: Overrides = new Map(),
): WantedFeed[] {
  const vendor: ExportDocument = { feeds };
  return wantedFeeds('messaging', { vendor, bundled: undefined }, overrides, known);
}

/** The feeds as they are followed once a document was taken over whole. */
export function followed(feeds: readonly FeedDoc[], before: readonly KnownFeed[] = []): KnownFeed[] {
  const wanted = wantedOf(feeds, before);
  return advance(before, wanted, compare(before, wanted), TODAY);
}

/** A document in the vendor's shape, as JSON. */
export function documentText(feeds: readonly FeedDoc[]): string {
  const tables = feeds.map((feed) => ({
    name: feed.name,
    version: feed.version,
    description: feed.description,
    primary_key: feed.key.join(', '),
    ordering_key: feed.orderBy.join(', '),
    sync_time: feed.cadenceMinutes === undefined ? '' : `${feed.cadenceMinutes}m`,
    active_date: feed.active ?? null,
    modified_date: feed.modified ?? null,
    deprecation_date: feed.deprecated ?? null,
    expected_eol_date: feed.expectedEnd ?? null,
    actual_eol_date: feed.actualEnd ?? null,
    replacement_table: feed.replacement,
    columns: feed.columns.map((column) => ({
      name: column.name,
      type: column.type,
      description: column.description,
      pii: column.pii,
      created_date: column.created ?? '',
      updated_date: column.updated ?? '',
      deleted_date: column.deleted ?? '',
    })),
  }));
  return JSON.stringify({ schemas: [{ name: 'exports', tables }] }, null, 1);
}

/** A user's folder whose one source delivers a group that no schema comes with, so that only documents speak. */
export class SchemaBench implements AsyncDisposable {
  readonly project: Project;
  readonly workspace: Workspace;

  private constructor(project: Project, workspace: Workspace) {
    this.project = project;
    this.workspace = workspace;
  }

  /** @param yaml what `warehouse.yaml` says beside its source */
  static async open(yaml = ''): Promise<SchemaBench> {
    const project = await Project.create(
      `${yaml}\nsources:\n  phones:\n    connector: local\n    path: ./feeds\n    group: phones\n`,
    );
    return new SchemaBench(project, await project.open());
  }

  /** Puts the document of a day among the feeds. */
  async publish(day: string, feeds: readonly FeedDoc[] | string): Promise<void> {
    const text = typeof feeds === 'string' ? feeds : documentText(feeds);
    await this.project.write(`feeds/export_docs/dt=${day}/export_docs.yaml`, text);
  }

  apply(options: SchemaOptions = {}): Promise<SchemaResult> {
    return applySchema(this.workspace, options.dryRun ? undefined : 1, options);
  }

  /** Publishes a document, and follows it. */
  async follow(day: string, feeds: readonly FeedDoc[] | string): Promise<SchemaResult> {
    await this.publish(day, feeds);
    return this.apply();
  }

  /** Delivers records of a feed, and loads them. */
  async load(feed: string, day: string, records: readonly (string | object)[], version = '1'): Promise<void> {
    await this.project.partition(feed, day, records, { version });
    await loadOnly(this.workspace);
  }

  rows<T = Row>(sql: string): Promise<T[]> {
    return this.workspace.session.rows<T>(sql);
  }

  /** What the ledger says of changes: `3 calls.name column_added applied`. */
  async changes(where = 'true'): Promise<string[]> {
    const rows = await this.rows<{ line: string }>(
      `SELECT concat_ws(' ', change_id, concat_ws('.', nullif(feed, ''), column_name), kind, decision) AS line
       FROM ops.schema_changes WHERE ${where} ORDER BY change_id`,
    );
    return rows.map(({ line }) => line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workspace[Symbol.asyncDispose]();
    await this.project[Symbol.asyncDispose]();
  }
}
