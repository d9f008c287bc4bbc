import type { FeedSpec } from '../../feeds/catalogue.ts';
import { type KnownFeed, sameName } from '../../feeds/followed.ts';
import { stagingTable } from '../../feeds/names.ts';
import type { ColumnType, EpochFormat } from '../../feeds/types.ts';
import { type Present, presentId } from '../../ledger/followed-feeds.ts';
import type { Column } from '../../load/staging/columns.ts';
import { type Moves, unrescue } from '../../load/staging/rescued-values.ts';
import { createTable } from '../../load/staging/table.ts';
import { identifier, qualified, type TableName } from '../../warehouse/sql.ts';
import { typeChange } from '../compare/type-change.ts';
import type { Decided } from '../decide/decide.ts';
import { commentStatements } from './comments.ts';
import { convert, type Retype, UNDO_SCHEMA, undoTable, widen } from './moves.ts';

/** A decided change with its number in the ledger. */
export interface NumberedChange extends Decided {
  id: number;
}

/** Something to be done to one table. A plan holds these; statements come of them last. Pure data. */
export type TableStep =
  | { kind: 'create'; table: TableName; feed: KnownFeed; change: number | undefined }
  | { kind: 'add'; table: TableName; column: Column; change: number | undefined; undoable: boolean }
  /** Values that were rescued fit now: a person says how they are sent. */
  | { kind: 'reread'; table: TableName; column: Column; change: number; undoable: boolean }
  | {
      kind: 'widen' | 'convert';
      table: TableName;
      retype: Retype;
      change: number;
      undoable: boolean;
      /** A column of the key, in which a value that does not fit would make one record of two. */
      ofKey: boolean;
      /** How its times are sent. */
      format?: EpochFormat;
    };

/**
 * What is to be done to the tables of a group so that they are as its feeds are followed. Pure.
 * @param next the feeds once the applied changes are in
 */
export function planTables(
  group: string,
  next: readonly KnownFeed[],
  changes: readonly NumberedChange[],
  present: Present,
): TableStep[] {
  return next
    .filter(({ documented }) => documented)
    .flatMap((feed) => {
      const table = stagingTable(group, feed.name, feed.version);
      const own = changes.filter(
        ({ change, decision }) =>
          decision === 'applied' && sameName(change.feed, feed.name) && change.version === feed.version,
      );
      const there = present.get(presentId(table));
      if (!there) return newTable(table, feed, changes);
      const types = new Map(there.columns.map(({ name, type }) => [name.toLowerCase(), type]));
      const added = feed.columns.filter(({ name }) => !types.has(name.toLowerCase()));
      return [
        ...added.map((column): TableStep => {
          const change = own.find((each) => isOf(each, 'column_added', column.name));
          return {
            kind: 'add',
            table,
            column: { name: column.name, type: column.type },
            change: change?.id,
            undoable: change !== undefined,
          };
        }),
        ...onceEach([
          ...own.flatMap((each) => retyped(table, feed, each, types, own)),
          ...own.flatMap((each) => reread(table, feed, each, types)),
          ...own.flatMap((each) => newKey(table, feed, each, types)),
        ]),
      ];
    });
}

/** Of two steps for one column, the first. */
function onceEach(steps: readonly TableStep[]): TableStep[] {
  return [...new Map(steps.toReversed().map((step) => [stepId(step), step])).values()].reverse();
}

/** A feed that a document adds gets its table before any data; those that come with the program, with their data. */
function newTable(table: TableName, feed: KnownFeed, changes: readonly NumberedChange[]): TableStep[] {
  const change = changes.find(
    ({ change: { kind, feed: name, version } }) =>
      (kind === 'feed_added' || kind === 'version_added') &&
      sameName(name, feed.name) &&
      version === feed.version,
  );
  if (!change || change.known || feed.columns.length === 0) return [];
  return [{ kind: 'create', table, feed, change: change.id }];
}

function reread(
  table: TableName,
  feed: KnownFeed,
  { id, change }: NumberedChange,
  types: ReadonlyMap<string, ColumnType>,
): TableStep[] {
  if (change.kind !== 'format_changed' || change.after === undefined) return [];
  const name = change.column ?? '';
  const type = types.get(name.toLowerCase());
  const followed = feed.columns.find((column) => sameName(column.name, name));
  if (type === undefined || (followed && followed.type !== type)) return [];
  const column: Column = { name, type, format: change.after as EpochFormat };
  return [{ kind: 'reread', table, column, change: id, undoable: true }];
}

function retyped(
  table: TableName,
  feed: KnownFeed,
  { id, change }: NumberedChange,
  types: ReadonlyMap<string, ColumnType>,
  own: readonly NumberedChange[],
): TableStep[] {
  if (!change.kind.startsWith('type_') || change.column === undefined) return [];
  const column = change.column;
  const from = types.get(column.toLowerCase());
  const followed = feed.columns.find(({ name }) => sameName(name, column));
  // Of a column that nobody published, a person says the type: then it is in the change alone.
  const to = followed?.type ?? (change.corrected ? (change.after as ColumnType) : undefined);
  if (from === undefined || to === undefined || from === to) return [];
  const ofKey = feed.key.some((name) => sameName(name, column));
  const lossless = typeChange(from, to, ofKey) === 'widened';
  // Staging has widened the column further than the document did: nothing is to be done.
  if (!lossless && change.kind === 'type_widened' && from !== change.before) return [];
  return [
    {
      kind: lossless ? 'widen' : 'convert',
      table,
      retype: { column, from, to },
      change: id,
      undoable: true,
      ofKey,
      format: followed?.format ?? formatIn(own, column),
    },
  ];
}

function formatIn(changes: readonly NumberedChange[], column: string): EpochFormat | undefined {
  return changes.find((each) => isOf(each, 'format_changed', column))?.change.after as
    | EpochFormat
    | undefined;
}

/** Columns that become a part of the key become text where they have values that do not fit: a key must not be NULL. */
function newKey(
  table: TableName,
  feed: KnownFeed,
  { id, change }: NumberedChange,
  types: ReadonlyMap<string, ColumnType>,
): TableStep[] {
  if (!change.kind.startsWith('unique_condition_')) return [];
  return feed.key.flatMap((column): TableStep[] => {
    const from = types.get(column.toLowerCase());
    if (from === undefined || from === 'VARCHAR') return [];
    const retype: Retype = { column, from, to: 'VARCHAR' };
    return [{ kind: 'widen', table, retype, change: id, undoable: false, ofKey: true }];
  });
}

/**
 * The steps that remain once the values are counted: a column of the key changes its type only as far as all of its
 * values go along, as staging itself would have it. Pure.
 */
export function possibleSteps(steps: readonly TableStep[], counts: RowCounts): TableStep[] {
  return steps.filter((step) => {
    if (step.kind === 'create' || step.kind === 'add' || step.kind === 'reread') return true;
    const { rescued, unfit } = counts.get(stepId(step)) ?? NO_ROWS;
    const onlyForTheKey = !step.undoable;
    return onlyForTheKey ? rescued > 0 : !(step.kind === 'convert' && step.ofKey && unfit > 0);
  });
}

function isOf({ change }: NumberedChange, kind: string, column: string): boolean {
  return change.kind === kind && change.column !== undefined && sameName(change.column, column);
}

/** How many rows a step is about. */
export interface StepRows {
  /** Those with a rescued value of the column. */
  rescued: number;
  /** Those with a value in the column whose type changes. */
  rows: number;
  /** Of these, those whose value does not fit the new type. */
  unfit: number;
}

/** By {@link stepId}. */
export type RowCounts = ReadonlyMap<string, StepRows>;

const NO_ROWS: StepRows = { rescued: 0, rows: 0, unfit: 0 };

/** Names a step of a plan. */
export function stepId(step: TableStep): string {
  const column = step.kind === 'create' ? '' : 'column' in step ? step.column.name : step.retype.column;
  return JSON.stringify([step.table.schema, step.table.table, column]);
}

/** How many staged rows a step rewrites. */
export function rowsRewritten(step: TableStep, counts: RowCounts): number {
  const { rescued, rows } = counts.get(stepId(step)) ?? NO_ROWS;
  if (step.kind === 'create') return 0;
  return 'column' in step ? rescued : rows;
}

/** A statement, and the change that it belongs to; undefined for what follows from no change in particular. */
export interface PlannedStatement {
  change: number | undefined;
  sql: string;
}

/** The exact statements of a plan, in the order in which DuckDB takes them. Pure. */
export function planStatements(
  group: string,
  steps: readonly TableStep[],
  next: readonly KnownFeed[],
  present: Present,
  counts: RowCounts,
): PlannedStatement[] {
  const moves = steps.map((step, index) => ({ step, ...movesOf(step, counts, index) }));
  const of = (part: keyof Moves) =>
    moves.flatMap(({ step, [part]: list }) => list.map((sql) => ({ change: step.change, sql })));
  const comments = next
    .filter(({ documented }) => documented)
    .flatMap((feed) => commentStatements(group, feed, withColumns(group, feed, present, steps)));
  const keeps = moves.some(({ keeps }) => keeps);
  return [
    ...(keeps ? [{ change: undefined, sql: `CREATE SCHEMA IF NOT EXISTS ${identifier(UNDO_SCHEMA)}` }] : []),
    ...of('read'),
    ...of('alter'),
    ...comments.map((sql) => ({ change: undefined, sql })),
    ...of('update'),
  ];
}

/** @returns its statements, and whether any of them keeps what it overwrites */
function movesOf(step: TableStep, counts: RowCounts, index: number): Moves & { keeps: boolean } {
  const { rescued } = counts.get(stepId(step)) ?? NO_ROWS;
  if (step.kind === 'create') {
    const sql = createTable(step.table, specOf(step.table, step.feed));
    return { ...NO_MOVES, alter: [sql], keeps: false };
  }
  const { table } = step;
  // Names the temporary tables of the step.
  const id = step.change ?? 1_000_000_000 + index;
  const keep = step.undoable && step.change !== undefined ? undoTable(step.change) : undefined;
  const column: Column =
    'column' in step ? step.column : { name: step.retype.column, type: step.retype.to, format: step.format };
  const moved = rescued > 0 ? unrescue(table, column, id, keep) : NO_MOVES;
  const keeps = keep !== undefined && (rescued > 0 || step.kind === 'convert');
  if (step.kind === 'reread') return { ...moved, keeps };
  if (step.kind === 'add') {
    const add = `ALTER TABLE ${qualified(table)} ADD COLUMN ${identifier(column.name)} ${column.type}`;
    return { read: moved.read, alter: [add], update: moved.update, keeps };
  }
  const { retype } = step;
  const changed = step.kind === 'widen' ? widen(table, retype) : convert(table, retype, id, { keep });
  return {
    read: changed.read,
    alter: changed.alter,
    // Values that did not fit before are looked at first; those that do not fit now are put beside them.
    update: [...moved.update, ...changed.update],
    keeps,
  };
}

const NO_MOVES: Moves = { read: [], alter: [], update: [] };

function specOf({ schema }: TableName, feed: KnownFeed): FeedSpec {
  const { name, version, description, columns, key, orderBy, cadenceMinutes } = feed;
  const group = schema.replace(/^staging_/, '');
  return { group, feed: name, version, description, columns, key, orderBy, cadenceMinutes };
}

/** Comments go by what the tables have once the steps are done. */
function withColumns(group: string, feed: KnownFeed, present: Present, steps: readonly TableStep[]): Present {
  const id = presentId(stagingTable(group, feed.name, feed.version));
  const own = steps.filter((step) => presentId(step.table) === id);
  const there = present.get(id);
  if (own.length === 0 || !there) return present;
  const added = own.flatMap((step) => (step.kind === 'add' ? [{ ...step.column, comment: null }] : []));
  return new Map([...present, [id, { ...there, columns: [...there.columns, ...added] }]]);
}
