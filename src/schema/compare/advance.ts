import {
  type Change,
  type ChangeKind,
  changeIdentity,
  KEY_CHANGES,
  ORDER_CHANGES,
} from '../../feeds/changes.ts';
import {
  feedId,
  isPersonal,
  type KnownFeed,
  sameName,
  type TypedColumn,
  type WantedColumn,
  type WantedFeed,
} from '../../feeds/followed.ts';
import type { ColumnType } from '../../feeds/types.ts';
import { groupBy } from '../../group-by.ts';
import { isNewer, isNewVersion } from './compare.ts';

/**
 * The feeds as they are followed once some changes are applied. Pure.
 *
 * Some things follow the documents without being changes: days, the order of columns, the spelling of types.
 * @param applied changes that {@link compare} found between `known` and `wanted`
 * @param today `YYYY-MM-DD`, recorded as the day since which something is gone where the documents do not say
 */
export function advance(
  known: readonly KnownFeed[],
  wanted: readonly WantedFeed[],
  applied: readonly Change[],
  today: string,
): KnownFeed[] {
  const done = new Set(applied.map(changeIdentity));
  const byFeed = groupBy(applied, ({ feed, version }) => feedId({ name: feed, version }));
  const changesOf = (feed: Pick<WantedFeed, 'name' | 'version'>) => byFeed.get(feedId(feed)) ?? [];
  const before = new Map(known.map((feed) => [feedId(feed), feed]));
  const next: KnownFeed[] = [];
  for (const feed of wanted) {
    const old = before.get(feedId(feed));
    before.delete(feedId(feed));
    const changes = changesOf(feed);
    if (old?.documented) next.push(follow(old, feed, changes, today));
    // A new version is followed at once, and so gets its table, while the switch of its model may still be held.
    else if (changes.some(({ kind }) => kind === 'feed_added') || isNewVersion(feed, known, wanted)) {
      next.push(newlyFollowed(old, feed, changes));
    } else if (old) next.push(old);
  }
  for (const feed of before.values()) {
    const gone = done.has(
      changeIdentity({ ...NO_VALUES, kind: 'feed_gone', feed: feed.name, version: feed.version }),
    );
    next.push(gone ? { ...feed, gone: today } : feed);
  }
  return switchModels(next, applied);
}

const NO_VALUES = { column: undefined, before: undefined, after: undefined };

/** Begins to follow a feed that no document listed before. */
function newlyFollowed(old: KnownFeed | undefined, feed: WantedFeed, changes: readonly Change[]): KnownFeed {
  const inferred = new Map(old?.inferred.map(({ name, type }) => [name.toLowerCase(), { name, type }]));
  const columns = feed.columns.map((column): TypedColumn => {
    const there = inferred.get(column.name.toLowerCase());
    if (!there || isApplied(changes, TYPE_KINDS, column.name)) return newColumn(column, changes);
    return { ...newColumn(column, changes), name: there.name, type: there.type };
  });
  const listed = new Set(columns.map(({ name }) => name.toLowerCase()));
  return {
    ...feed,
    columns,
    documented: true,
    gone: undefined,
    modelled: false,
    inferred: old?.inferred.filter(({ name }) => !listed.has(name.toLowerCase())) ?? [],
  };
}

/** A new column. Without a published type it is text. */
function newColumn(column: WantedColumn, changes: readonly Change[]): TypedColumn {
  const unmarked = isPersonal(column.pii) && !isApplied(changes, ['pii_on'], column.name);
  return { ...column, type: column.type || 'VARCHAR', pii: unmarked ? '' : column.pii };
}

const TYPE_KINDS: readonly ChangeKind[] = ['type_widened', 'type_narrowed', 'type_changed'];

function isApplied(changes: readonly Change[], kinds: readonly ChangeKind[], column?: string): boolean {
  return changes.some(
    (change) =>
      kinds.includes(change.kind) &&
      (column === undefined || (change.column !== undefined && sameName(change.column, column))),
  );
}

function follow(old: KnownFeed, feed: WantedFeed, changes: readonly Change[], today: string): KnownFeed {
  const has = (kind: ChangeKind) => isApplied(changes, [kind]);
  const back = has('feed_back');
  const lifecycleDay = (kind: ChangeKind, was: string | undefined, is: string | undefined) => {
    if (is === undefined) return back ? undefined : was;
    return has(kind) ? is : was;
  };
  const described = has('description_changed');
  const keyed = isApplied(changes, KEY_CHANGES);
  const ordered = isApplied(changes, ORDER_CHANGES);
  const columns = followColumns(old, feed, changes, described, today);
  const listed = new Set(columns.map(({ name }) => name.toLowerCase()));
  return {
    ...old,
    columns,
    inferred: old.inferred.filter(({ name }) => !listed.has(name.toLowerCase())),
    origin: feed.origin,
    description: described && feed.description !== '' ? feed.description : old.description,
    key: keyed ? feed.key : old.key,
    orderBy: ordered && feed.orderBy.length > 0 ? feed.orderBy : old.orderBy,
    cadenceMinutes: has('cadence_changed') ? feed.cadenceMinutes : old.cadenceMinutes,
    active: feed.active ?? old.active,
    modified: feed.modified ?? old.modified,
    replacement: feed.replacement || old.replacement,
    deprecated: lifecycleDay('feed_deprecated', old.deprecated, feed.deprecated),
    expectedEnd: lifecycleDay('feed_ending', old.expectedEnd, feed.expectedEnd),
    actualEnd: lifecycleDay('feed_ended', old.actualEnd, feed.actualEnd),
    gone: back ? undefined : old.gone,
  };
}

/**
 * A column's type after the changes. A type that the data asked for is only in the change, since the document still
 * gives the old one.
 */
function newType(column: TypedColumn, after: WantedColumn, changes: readonly Change[]): ColumnType {
  const change = changes.findLast(
    ({ kind, column: name }) =>
      TYPE_KINDS.includes(kind) && name !== undefined && sameName(name, column.name),
  );
  if (change?.fromData) return change.after as ColumnType;
  return change && after.type !== '' ? after.type : column.type;
}

function followColumns(
  old: KnownFeed,
  feed: WantedFeed,
  changes: readonly Change[],
  described: boolean,
  today: string,
): TypedColumn[] {
  const wanted = new Map(feed.columns.map((column) => [column.name.toLowerCase(), column]));
  const kept = old.columns.map((column): TypedColumn => {
    const after = wanted.get(column.name.toLowerCase());
    const has = (...kinds: ChangeKind[]) => isApplied(changes, kinds, column.name);
    if (!after) return has('column_removed') ? { ...column, deleted: today } : column;
    return {
      ...column,
      type: newType(column, after, changes),
      format: has('format_changed') ? after.format : column.format,
      published: after.published || column.published,
      description: described && after.description !== '' ? after.description : column.description,
      // A document that now says `no` where it said nothing is no change.
      pii: has('pii_on', 'pii_off') ? after.pii : column.pii,
      created: after.created ?? column.created,
      updated: after.updated ?? column.updated,
      deleted: has('column_removed') ? after.deleted : has('column_back') ? undefined : column.deleted,
    };
  });
  const inferred = new Map(old.inferred.map(({ name, type }) => [name.toLowerCase(), type]));
  const known = new Set(old.columns.map(({ name }) => name.toLowerCase()));
  const added = feed.columns
    .filter(({ name }) => !known.has(name.toLowerCase()) && isApplied(changes, ['column_added'], name))
    .map((column): TypedColumn => {
      const there = inferred.get(column.name.toLowerCase());
      const fresh = newColumn(column, changes);
      return { ...fresh, type: there && !isApplied(changes, TYPE_KINDS, column.name) ? there : fresh.type };
    });
  return inOrder([...kept, ...added], feed.columns);
}

/** Puts columns into the order of the document. A column that the document does not list stays behind its neighbour. */
function inOrder(columns: readonly TypedColumn[], listed: readonly WantedColumn[]): TypedColumn[] {
  const place = new Map(listed.map(({ name }, index) => [name.toLowerCase(), index]));
  let last = -1;
  const placed = columns.map((column, index) => {
    const own = place.get(column.name.toLowerCase());
    if (own !== undefined) last = own;
    return { column, place: own ?? last, index, listed: own !== undefined };
  });
  placed.sort((a, b) => a.place - b.place || Number(b.listed) - Number(a.listed) || a.index - b.index);
  return placed.map(({ column }) => column);
}

/** Chooses the version of each feed that its model reads: the accepted one, else the first. */
function switchModels(feeds: readonly KnownFeed[], applied: readonly Change[]): KnownFeed[] {
  const chosen = new Map<string, string>();
  for (const { kind, feed, version } of applied) {
    if (kind === 'version_added') chosen.set(feed.toLowerCase(), version);
  }
  const read = new Map<string, string>();
  for (const feed of feeds) if (feed.modelled) read.set(feed.name.toLowerCase(), feed.version);
  for (const feed of feeds.filter(({ documented }) => documented)) {
    const name = feed.name.toLowerCase();
    const now = read.get(name);
    const older = now !== undefined && !feeds.some((other) => sameName(other.name, name) && other.modelled);
    if (now === undefined || (older && isNewer(now, feed.version))) read.set(name, feed.version);
  }
  return feeds.map((feed) => {
    const name = feed.name.toLowerCase();
    const modelled = feed.documented && (chosen.get(name) ?? read.get(name)) === feed.version;
    return modelled === feed.modelled ? feed : { ...feed, modelled };
  });
}
