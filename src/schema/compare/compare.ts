import type { Change, ChangeKind } from '../../feeds/changes.ts';
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
import { likelyRenames } from './renames.ts';
import { typeChange } from './type-change.ts';

/** Whether every value that an inferred column holds today would be the same value in another type. */
export type Lossless = (feed: KnownFeed, column: string, to: ColumnType) => boolean;

/**
 * What differs between the feeds as they are followed and as the newest documents have them. Pure.
 *
 * Meanings are compared, not texts: two spellings of one type, a key in another order, or a field that a document leaves
 * out are no difference. Feeds come in the order of the documents.
 */
export function compare(
  known: readonly KnownFeed[],
  wanted: readonly WantedFeed[],
  lossless: Lossless = () => false,
): Change[] {
  const byId = new Map(known.map((feed) => [feedId(feed), feed]));
  const changes: Change[] = [];
  for (const feed of wanted) {
    const before = byId.get(feedId(feed));
    const note = notes(feed, changes);
    if (before?.documented) compareFeed(before, feed, note);
    else if (rivals(feed, known, wanted))
      note('version_added', undefined, undefined, `version ${feed.version}`);
    else note('feed_added');
    if (before?.documented && isWaiting(before, known)) {
      note('version_added', undefined, undefined, `version ${feed.version}`);
    }
    compareColumns(before, feed, note, lossless);
  }
  const listed = new Set(wanted.map(feedId));
  for (const feed of known) {
    const gone = feed.documented && feed.gone === undefined && !listed.has(feedId(feed));
    if (gone) notes(feed, changes)('feed_gone');
  }
  return changes;
}

type Note = (
  kind: ChangeKind,
  column?: string,
  before?: string,
  after?: string,
  more?: Pick<Change, 'corrected'>,
) => void;

function notes({ name, version }: Pick<WantedFeed, 'name' | 'version'>, changes: Change[]): Note {
  return (kind, column, before, after, more) => {
    changes.push({ kind, feed: name, version, column, before, after, ...more });
  };
}

/** Whether a feed that is new has an older version that its model would read. */
function rivals(feed: WantedFeed, known: readonly KnownFeed[], wanted: readonly WantedFeed[]): boolean {
  const older = (other: Pick<WantedFeed, 'name' | 'version'>) =>
    sameName(other.name, feed.name) && isNewer(feed.version, other.version);
  return known.some((other) => other.documented && older(other)) || wanted.some(older);
}

/** Whether a version of a feed is newer than the one that its model reads. */
function isWaiting(feed: KnownFeed, known: readonly KnownFeed[]): boolean {
  if (feed.modelled || feed.gone !== undefined) return false;
  const read = known.find((other) => sameName(other.name, feed.name) && other.modelled);
  return read !== undefined && isNewer(feed.version, read.version);
}

/** `10` is newer than `9`. */
export function isNewer(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) > 0;
}

function compareFeed(before: KnownFeed, after: WantedFeed, note: Note): void {
  compareLife(before, after, note);
  if (after.key.length > 0 && !sameSet(before.key, after.key)) {
    const kind = before.key.length === 0 ? 'unique_condition_added' : 'unique_condition_changed';
    note(kind, undefined, list(before.key), list(after.key));
  }
  const ordered = list(before.orderBy).toLowerCase() === list(after.orderBy).toLowerCase();
  // A feed without a key has no model yet whose rows an ordering could change.
  if (after.orderBy.length > 0 && !ordered && before.key.length > 0) {
    note('ordering_changed', undefined, list(before.orderBy), list(after.orderBy));
  }
  if (after.cadenceMinutes !== undefined && after.cadenceMinutes !== before.cadenceMinutes) {
    note('cadence_changed', undefined, minutes(before.cadenceMinutes), minutes(after.cadenceMinutes));
  }
  const described = newDescriptions(before, after);
  if (described !== '') note('description_changed', undefined, undefined, described);
}

function compareLife(before: KnownFeed, after: WantedFeed, note: Note): void {
  const dates = [
    ['feed_deprecated', before.deprecated, after.deprecated],
    ['feed_ending', before.expectedEnd, after.expectedEnd],
    ['feed_ended', before.actualEnd, after.actualEnd],
  ] as const;
  for (const [kind, was, is] of dates) if (is !== undefined && is !== was) note(kind, undefined, was, is);
  const marks = [
    ...(before.gone === undefined ? [] : [`not listed since ${before.gone}`]),
    ...dates.flatMap(([kind, was, is]) => (was !== undefined && is === undefined ? [`${kind} ${was}`] : [])),
  ];
  if (marks.length > 0) note('feed_back', undefined, marks.join(', '));
}

function compareColumns(
  before: KnownFeed | undefined,
  after: WantedFeed,
  note: Note,
  lossless: Lossless,
): void {
  // A document that lists no columns of a feed says nothing about them.
  if (after.columns.length === 0) return;
  const fresh = !before?.documented;
  const known = new Map((fresh ? [] : before.columns).map((column) => [column.name.toLowerCase(), column]));
  // What is a key counts as one until another is accepted.
  const key = new Set((fresh ? after : before).key.map((name) => name.toLowerCase()));
  const added: WantedColumn[] = [];
  for (const column of after.columns) {
    const id = column.name.toLowerCase();
    const old = known.get(id);
    if (old) compareColumn(old, column, key.has(id), note);
    else {
      added.push(column);
      if (!fresh) note('column_added', column.name, undefined, column.type || 'VARCHAR');
      if (isPersonal(column.pii)) note('pii_on', column.name, undefined, column.pii);
    }
    const there = old ? undefined : before?.inferred.find(({ name }) => sameName(name, column.name));
    if (before && there) compareInferred(before, there, column, key.has(id), note, lossless);
  }
  const listed = new Set(after.columns.map(({ name }) => name.toLowerCase()));
  for (const column of known.values()) {
    const removed = column.deleted === undefined && !listed.has(column.name.toLowerCase());
    if (removed) note('column_removed', column.name, column.type);
  }
  if (!before || fresh) return;
  for (const { gone, fresh } of likelyRenames(before.columns, after.columns)) {
    note('column_likely_renamed', fresh, gone, fresh);
  }
}

function compareColumn(before: TypedColumn, after: WantedColumn, ofKey: boolean, note: Note): void {
  const { name } = before;
  if (before.deleted === undefined && after.deleted !== undefined) {
    note('column_removed', name, before.type, after.deleted);
  }
  if (before.deleted !== undefined && after.deleted === undefined) {
    note('column_back', name, `removed ${before.deleted}`, before.type);
  }
  if (after.type !== '') {
    const change = typeChange(before.type, after.type, ofKey);
    if (change !== 'same') note(`type_${change}`, name, before.type, after.type, byPerson(after));
  }
  if (after.format !== before.format) {
    note('format_changed', name, before.format, after.format, byPerson(after));
  }
  if (isPersonal(after.pii) !== isPersonal(before.pii)) {
    note(isPersonal(after.pii) ? 'pii_on' : 'pii_off', name, before.pii, after.pii);
  }
}

function byPerson({ corrected }: WantedColumn): Pick<Change, 'corrected'> {
  return corrected ? { corrected } : {};
}

/**
 * A column that was made from the data before anybody documented it. Nobody was promised its type: where its values are
 * the same in the published one, that is no more than a widening.
 */
function compareInferred(
  feed: KnownFeed,
  before: { name: string; type: ColumnType },
  after: WantedColumn,
  ofKey: boolean,
  note: Note,
  lossless: Lossless,
): void {
  if (after.type === '') return;
  const change = typeChange(before.type, after.type, ofKey);
  if (change === 'same') return;
  const kind = change === 'widened' || lossless(feed, before.name, after.type) ? 'widened' : change;
  note(`type_${kind}`, before.name, before.type, after.type, byPerson(after));
}

/** What is described in new words; `''` when nothing is. A description left out stays as it was. */
function newDescriptions(before: KnownFeed, after: WantedFeed): string {
  const known = new Map(before.columns.map((column) => [column.name.toLowerCase(), column.description]));
  const columns = after.columns.filter(({ name, description }) => {
    const was = known.get(name.toLowerCase());
    return description !== '' && was !== undefined && was !== description;
  }).length;
  const feed = after.description !== '' && after.description !== before.description;
  return [
    ...(feed ? ['the feed'] : []),
    ...(columns > 0 ? [`${columns} ${columns === 1 ? 'column' : 'columns'}`] : []),
  ].join(' and ');
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const plain = (names: readonly string[]) => JSON.stringify(names.map((name) => name.toLowerCase()).sort());
  return plain(a) === plain(b);
}

/** Column names for a person. */
function list(names: readonly string[]): string {
  return names.join(', ');
}

function minutes(count: number | undefined): string | undefined {
  return count === undefined ? undefined : `${count} minutes`;
}
