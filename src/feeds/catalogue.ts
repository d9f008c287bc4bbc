import type { ColumnDoc, ExportDocument, FeedDoc } from './documents/document.ts';
import type { FeedOverride, Overrides } from './documents/overrides.ts';
import { tableName } from './names.ts';
import type { EpochFormat } from './types.ts';
import { type ColumnType, columnType } from './types.ts';

/** What is known of the feeds: the published schema, with a person's corrections. */

interface ColumnSpec {
  /** The field's name, except where that name is reserved: see `names.ts`. */
  name: string;
  type: ColumnType;
  /** `''` when nobody said. */
  description: string;
  pii: string;
  /** How its times are sent, where a person said so. */
  format?: EpochFormat;
}

/** What decided a feed's key, or its ordering. */
export type RuleOrigin =
  /** The published schema. */
  | { from: 'schema' }
  /** A person's correction, in `schemas/overrides.yaml`. */
  | { from: 'overrides'; reason: string }
  /** A schema change that was applied. */
  | { from: 'change'; change: number; on: Date };

export interface FeedSpec {
  group: string;
  feed: string;
  version: string;
  description: string;
  /** Empty when nobody published columns: they are inferred from the data. */
  columns: readonly ColumnSpec[];
  /** The columns that identify a record. Each of them is in `columns`, unless `columns` is empty. */
  key: readonly string[];
  /**
   * Columns that rank the versions of a record, all descending. Each of them is in `columns`, unless that is empty;
   * none is in `key`.
   */
  orderBy: readonly string[];
  /** What decided those two. Left out: the published schema. */
  keyFrom?: RuleOrigin;
  orderByFrom?: RuleOrigin;
  /** Minutes between exports; undefined when nobody said. */
  cadenceMinutes: number | undefined;
  /**
   * For a feed whose columns nobody published: the types that a person gave some of them in `overrides.yaml`, by column
   * name in lower case.
   */
  corrected?: ReadonlyMap<string, { type: ColumnType; format?: EpochFormat }>;
  /**
   * Whether the feed's dedup model reads this version. A new version is not read until a person accepts it. Left out:
   * only version 1 is read.
   */
  modelled?: boolean;
}

/** What is known of a feed, or a version of one, that nobody documents. */
export function undocumentedFeed(group: string, feed: string, version: string): FeedSpec {
  return {
    group,
    feed,
    version,
    description: '',
    columns: [],
    key: [],
    orderBy: [],
    cadenceMinutes: undefined,
  };
}

export interface Catalogue {
  groups: readonly string[];
  /** Undefined for a feed, or a version of one, that nobody documents. */
  feed(group: string, feed: string, version: string): FeedSpec | undefined;
  /** In the order of their document. */
  feeds(group: string): readonly FeedSpec[];
}

/** @param table the name of its tables, of which another version than the first is part */
export function feedOfTable(catalogue: Catalogue, group: string, table: string): FeedSpec | undefined {
  const [, feed = table, version = '1'] = /^(.+)__v(.+)$/.exec(table) ?? [];
  return catalogue.feed(group, feed, version);
}

export interface GroupDocument {
  group: string;
  document: ExportDocument;
}

/**
 * Pure: documents and corrections in, catalogue out. Of two feeds of one name and version, the first counts. What is known
 * of a feed is put together when somebody asks for it: most of what a document says is of feeds that nobody does.
 */
export function loadCatalogue(documents: readonly GroupDocument[], overrides: Overrides): Catalogue {
  const groups = new Map<string, Map<string, FeedDoc | FeedSpec>>();
  for (const { group, document } of documents) {
    const feeds = groups.get(group) ?? new Map<string, FeedDoc | FeedSpec>();
    groups.set(group, feeds);
    for (const doc of document.feeds) {
      const id = JSON.stringify([doc.name, doc.version]);
      if (!feeds.has(id)) feeds.set(id, doc);
    }
  }
  const specOf = (group: string, id: string): FeedSpec | undefined => {
    const found = groups.get(group)?.get(id);
    if (found === undefined || 'feed' in found) return found;
    const override = overrides.get(group)?.get(tableName(found.name, found.version));
    const spec = feedSpec(group, found, override);
    groups.get(group)?.set(id, spec);
    return spec;
  };
  return {
    groups: [...groups.keys()],
    feed: (group, feed, version) => specOf(group, JSON.stringify([feed, version])),
    feeds: (group) => [...(groups.get(group)?.keys() ?? [])].flatMap((id) => specOf(group, id) ?? []),
  };
}

/** What a folder like `schemas/` holds, parsed. */
export interface Schemas {
  documents: readonly GroupDocument[];
  overrides: Overrides;
}

function feedSpec(group: string, doc: FeedDoc, override: FeedOverride | undefined): FeedSpec {
  const columns = columnSpecs(doc.columns, override);
  const names = columns.map((column) => column.name);
  const key = override?.key?.use ?? doc.key;
  const orderBy = override?.order_by?.use ?? doc.orderBy;
  const presentKey = present(key, names);
  return {
    group,
    feed: doc.name,
    version: doc.version,
    description: doc.description,
    columns,
    key: presentKey,
    // Rows with the same key have the same values in the key's columns, so ordering by those would rank nothing.
    orderBy: present(orderBy, names).filter((name) => !presentKey.includes(name)),
    cadenceMinutes: doc.cadenceMinutes,
    ...(override?.key && { keyFrom: { from: 'overrides', reason: override.key.reason } }),
    ...(override?.order_by && { orderByFrom: { from: 'overrides', reason: override.order_by.reason } }),
    ...(columns.length === 0 && override?.columns && { corrected: byNameId(override.columns) }),
  };
}

function byNameId<T>(columns: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...columns].map(([name, column]) => [name.toLowerCase(), column]));
}

function columnSpecs(docs: readonly ColumnDoc[], override: FeedOverride | undefined): ColumnSpec[] {
  const columns = new Map<string, ColumnSpec>();
  for (const { name, type, description, pii, format: known } of docs) {
    const id = name.toLowerCase();
    if (columns.has(id)) continue;
    const corrected = override?.columns?.get(name);
    const format = corrected ? corrected.format : known;
    columns.set(id, {
      // VARCHAR holds whatever a type that we do not know holds.
      name,
      type: corrected?.type ?? columnType(type) ?? 'VARCHAR',
      description,
      pii,
      ...(format && { format }),
    });
  }
  return [...columns.values()];
}

/**
 * Of the columns that a key or an ordering names, those that the feed really has. Exports belong to one company, so a
 * missing `company_marker` is replaced by `company_name` or `company_id`, or left out where the feed has neither.
 */
function present(wanted: readonly string[], names: readonly string[]): string[] {
  if (names.length === 0) return [...wanted];
  const byId = new Map(names.map((name) => [name.toLowerCase(), name]));
  const found = wanted.map((name) => {
    const id = name.toLowerCase();
    if (id !== 'company_marker') return byId.get(id);
    return byId.get(id) ?? byId.get('company_name') ?? byId.get('company_id');
  });
  return [...new Set(found.filter((name) => name !== undefined))];
}

/** The versions of feeds that deduped tables are made from. */
export function modelledFeeds(catalogue: Catalogue): FeedSpec[] {
  return catalogue.groups.flatMap((group) =>
    catalogue.feeds(group).filter((spec) => (spec.modelled ?? spec.version === '1') && hasPlainNames(spec)),
  );
}

/**
 * Whether the names of a feed and of its columns are safe to write into a model. A model is a template, and names come
 * from a document: a name that the template engine could take for code gets no generated model. The feed's rows are
 * staged all the same.
 */
function hasPlainNames({ feed, key, orderBy }: FeedSpec): boolean {
  return (
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(feed) &&
    [...key, ...orderBy].every((name) => /^[\p{L}\p{N}_][\p{L}\p{N}_ .$-]*$/u.test(name))
  );
}
