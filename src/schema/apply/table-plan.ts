import type { FeedSpec } from '../../feeds/catalogue.ts';
import { type KnownFeed, sameName } from '../../feeds/followed.ts';
import { stagingTable } from '../../feeds/names.ts';
import type { ColumnType, EpochFormat } from '../../feeds/types.ts';
import { type PresentTables, presentTableId } from '../../ledger/followed-feeds.ts';
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

/** One step to be done to one table. A plan is made of these; they become SQL statements only at the end. Pure data. */
export type TableStep =
  | { kind: 'create'; table: TableName; feed: KnownFeed; change: number | undefined }
  | { kind: 'add'; table: TableName; column: Column; change: number | undefined; undoable: boolean }
  /** Rescued values fit now, because a person said how they are written. */
  | { kind: 'reread'; table: TableName; column: Column; change: number; undoable: boolean }
  | {
      kind: 'widen' | 'convert';
      table: TableName;
      retype: Retype;
      change: number;
      undoable: boolean;
      /**
       * A column of the key: a value that did not fit would become NULL, and records with different keys would become
       * one.
       */
      ofKey: boolean;
      /** How its times are written. */
      format?: EpochFormat;
    };

/**
 * The steps that bring the tables of a group in line with its feeds as they are followed. Pure.
 * @param next the feeds with the applied changes
 */
export function planTables(
  group: string,
  next: readonly KnownFeed[],
  changes: readonly NumberedChange[],
  present: PresentTables,
): TableStep[] {
  return next
    .filter(({ documented }) => documented)
    .flatMap((feed) => {
      const table = stagingTable(group, feed.name, feed.version);
      const own = changes.filter(
        ({ change, decision }) =>
          decision === 'applied' && sameName(change.feed, feed.name) && change.version === feed.version,
      );
      const there = present.get(presentTableId(table));
      if (!there) return createSteps(table, feed, changes);
      const types = new Map(there.columns.map(({ name, type }) => [name.toLowerCase(), type]));
      const added = feed.columns.filter(({ name }) => !types.has(name.toLowerCase()));
      return [
        ...added.map((column): TableStep => {
          const change = own.find((each) => isChangeOf(each, 'column_added', column.name));
          return {
            kind: 'add',
            table,
            column: { name: column.name, type: column.type },
            change: change?.id,
            undoable: change !== undefined,
          };
        }),
        ...oneStepPerColumn([
          ...own.flatMap((each) => retypeSteps(table, feed, each, types, own)),
          ...own.flatMap((each) => rereadSteps(table, feed, each, types)),
          ...own.flatMap((each) => newKeySteps(table, feed, each, types)),
        ]),
      ];
    });
}

/** Keeps the first of several steps for one column. */
function oneStepPerColumn(steps: readonly TableStep[]): TableStep[] {
  return [...new Map(steps.toReversed().map((step) => [stepId(step), step])).values()].reverse();
}

/**
 * A feed that a document adds gets its table at once, before any data. A feed of the bundled schema gets its table with
 * its first data.
 */
function createSteps(table: TableName, feed: KnownFeed, changes: readonly NumberedChange[]): TableStep[] {
  const change = changes.find(
    ({ change: { kind, feed: name, version } }) =>
      (kind === 'feed_added' || kind === 'version_added') &&
      sameName(name, feed.name) &&
      version === feed.version,
  );
  if (!change || change.known || feed.columns.length === 0) return [];
  return [{ kind: 'create', table, feed, change: change.id }];
}

function rereadSteps(
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

function retypeSteps(
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
  // Where nobody published the column, a person's correction gives the type, and only the change has it.
  const to = followed?.type ?? (change.corrected ? (change.after as ColumnType) : undefined);
  if (from === undefined || to === undefined || from === to) return [];
  const ofKey = feed.key.some((name) => sameName(name, column));
  const lossless = typeChange(from, to, ofKey) === 'widened';
  // Staging has already widened the column further than the document now does.
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
  return changes.find((each) => isChangeOf(each, 'format_changed', column))?.change.after as
    | EpochFormat
    | undefined;
}

/**
 * Columns that become a part of the key become text where some of their values do not fit, since a key must not be
 * NULL.
 */
function newKeySteps(
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
 * The steps that are possible once the values are counted. A column of the key changes its type only if all of its
 * values fit the new one, and a column is only turned to text for the key's sake if it has rescued values. Pure.
 */
export function possibleSteps(steps: readonly TableStep[], counts: RowCounts): TableStep[] {
  return steps.filter((step) => {
    if (step.kind === 'create' || step.kind === 'add' || step.kind === 'reread') return true;
    const { rescued, unfit } = counts.get(stepId(step)) ?? NO_ROWS;
    const onlyForTheKey = !step.undoable;
    return onlyForTheKey ? rescued > 0 : !(step.kind === 'convert' && step.ofKey && unfit > 0);
  });
}

function isChangeOf({ change }: NumberedChange, kind: string, column: string): boolean {
  return change.kind === kind && change.column !== undefined && sameName(change.column, column);
}

/** How many rows a step concerns. */
export interface StepRows {
  /** Rows with a rescued value of the column. */
  rescued: number;
  /** Rows with a value in the column whose type changes. */
  rows: number;
  /** Of those, rows whose value does not fit the new type. */
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

/** A statement and the change it belongs to; undefined where it belongs to no single change. */
export interface PlannedStatement {
  change: number | undefined;
  sql: string;
}

/** The exact statements of a plan, in an order that DuckDB accepts. Pure. */
export function planStatements(
  group: string,
  steps: readonly TableStep[],
  next: readonly KnownFeed[],
  present: PresentTables,
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

/**
 * The statements of a step.
 * @returns also whether any of them keeps the values that it overwrites
 */
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
    // Values that did not fit before are tried first; those that do not fit now are rescued after that, so that they
    // are not tried again.
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
function withColumns(
  group: string,
  feed: KnownFeed,
  present: PresentTables,
  steps: readonly TableStep[],
): PresentTables {
  const id = presentTableId(stagingTable(group, feed.name, feed.version));
  const own = steps.filter((step) => presentTableId(step.table) === id);
  const there = present.get(id);
  if (own.length === 0 || !there) return present;
  const added = own.flatMap((step) => (step.kind === 'add' ? [{ ...step.column, comment: null }] : []));
  return new Map([...present, [id, { ...there, columns: [...there.columns, ...added] }]]);
}
