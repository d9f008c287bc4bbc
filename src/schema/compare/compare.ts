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

/** Whether every value of an inferred column would stay the same in another type. */
export type Lossless = (feed: KnownFeed, column: string, to: ColumnType) => boolean;

/**
 * The differences between the feeds as they are followed and as the newest documents describe them. Pure.
 *
 * Meanings are compared, not texts: another spelling of a type, another order of key columns, or a field that a
 * document leaves out are no difference. Changes come in the order of the documents.
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
    const note = noteFor(feed, changes);
    if (before?.documented) compareFeed(before, feed, note);
    else if (isNewVersion(feed, known, wanted))
      note('version_added', undefined, undefined, `version ${feed.version}`);
    else note('feed_added');
    if (before?.documented && isNewerThanModelled(before, known)) {
      note('version_added', undefined, undefined, `version ${feed.version}`);
    }
    compareColumns(before, feed, note, lossless);
  }
  const listed = new Set(wanted.map(feedId));
  for (const feed of known) {
    const gone = feed.documented && feed.gone === undefined && !listed.has(feedId(feed));
    if (gone) noteFor(feed, changes)('feed_gone');
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

function noteFor({ name, version }: Pick<WantedFeed, 'name' | 'version'>, changes: Change[]): Note {
  return (kind, column, before, after, more) => {
    changes.push({ kind, feed: name, version, column, before, after, ...more });
  };
}

/** Whether a new feed is a newer version of another one. */
export function isNewVersion(
  feed: WantedFeed,
  known: readonly KnownFeed[],
  wanted: readonly WantedFeed[],
): boolean {
  const older = (other: Pick<WantedFeed, 'name' | 'version'>) =>
    sameName(other.name, feed.name) && isNewer(feed.version, other.version);
  return known.some((other) => other.documented && older(other)) || wanted.some(older);
}

/** Whether a version of a feed is newer than the one that its model reads. */
function isNewerThanModelled(feed: KnownFeed, known: readonly KnownFeed[]): boolean {
  if (feed.modelled || feed.gone !== undefined) return false;
  const read = known.find((other) => sameName(other.name, feed.name) && other.modelled);
  return read !== undefined && isNewer(feed.version, read.version);
}

/** `10` is newer than `9`. */
export function isNewer(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) > 0;
}

function compareFeed(before: KnownFeed, after: WantedFeed, note: Note): void {
  compareLifecycle(before, after, note);
  if (after.key.length > 0 && !sameSet(before.key, after.key)) {
    const kind = before.key.length === 0 ? 'unique_condition_added' : 'unique_condition_changed';
    note(kind, undefined, list(before.key), list(after.key));
  }
  const ordered = list(before.orderBy).toLowerCase() === list(after.orderBy).toLowerCase();
  // A feed without a key has no dedup model yet, so its ordering changes nothing.
  if (after.orderBy.length > 0 && !ordered && before.key.length > 0) {
    note('ordering_changed', undefined, list(before.orderBy), list(after.orderBy));
  }
  if (after.cadenceMinutes !== undefined && after.cadenceMinutes !== before.cadenceMinutes) {
    note('cadence_changed', undefined, minutes(before.cadenceMinutes), minutes(after.cadenceMinutes));
  }
  const described = newDescriptions(before, after);
  if (described !== '') note('description_changed', undefined, undefined, described);
}

function compareLifecycle(before: KnownFeed, after: WantedFeed, note: Note): void {
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
  // Until a new key is accepted, the present one counts.
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
    if (change !== 'same') note(`type_${change}`, name, before.type, after.type, correctedMark(after));
  }
  if (after.format !== before.format) {
    note('format_changed', name, before.format, after.format, correctedMark(after));
  }
  if (isPersonal(after.pii) !== isPersonal(before.pii)) {
    note(isPersonal(after.pii) ? 'pii_on' : 'pii_off', name, before.pii, after.pii);
  }
}

function correctedMark({ corrected }: WantedColumn): Pick<Change, 'corrected'> {
  return corrected ? { corrected } : {};
}

/**
 * Compares a column that was inferred from the data with what is published now. Nobody was promised its type, so where
 * its values would all stay the same, the published type counts as a widening.
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
  note(`type_${kind}`, before.name, before.type, after.type, correctedMark(after));
}

/** Says what has a new description; `''` when nothing has. A description that the document leaves out is no change. */
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

/** Column names as text. */
function list(names: readonly string[]): string {
  return names.join(', ');
}

function minutes(count: number | undefined): string | undefined {
  return count === undefined ? undefined : `${count} minutes`;
}
