import { type Change, changeIdentity } from '../../feeds/changes.ts';
import type { ExportDocument } from '../../feeds/documents/document.ts';
import type { Overrides } from '../../feeds/documents/overrides.ts';
import { feedId, type KnownFeed, sameName, type WantedFeed } from '../../feeds/followed.ts';
import { stagingTable } from '../../feeds/names.ts';
import type { Policy } from '../../feeds/policy.ts';
import type { ColumnType } from '../../feeds/types.ts';
import { groupTables, knownFeeds } from '../../ledger/followed-feeds.ts';
import { changesOfGroup } from '../../ledger/schema-changes.ts';
import type { SchemaChange } from '../../ledger/tables.ts';
import { isRescued } from '../../load/staging/rescued-values.ts';
import { dayText, sha256 } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { identifier, qualified } from '../../warehouse/sql.ts';
import { advance } from '../compare/advance.ts';
import { compare } from '../compare/compare.ts';
import { correctedColumns } from '../compare/corrected.ts';
import { typeChange } from '../compare/type-change.ts';
import { wantedFeeds } from '../compare/wanted.ts';
import { decide, rowIdentity } from '../decide/decide.ts';
import { withProposals } from '../decide/proposals.ts';
import { type RowLoss, rowLosses, wouldEmpty } from '../row-losses.ts';
import { misfitCountQuery } from './moves.ts';
import {
  type NumberedChange,
  type PlannedStatement,
  planStatements,
  planTables,
  possibleSteps,
  type RowCounts,
  type StepRows,
  stepId,
  type TableStep,
} from './table-plan.ts';

/** What is to be done for one group, planned before any of it is done. */
export interface GroupPlan {
  group: string;
  /** The source whose document is followed; the group's first where that is the bundled one. */
  source: string;
  /** The feeds as they are followed now. In `next`, as they will be. */
  before: readonly KnownFeed[];
  next: readonly KnownFeed[];
  changes: readonly NumberedChange[];
  /** Held changes that no document asks for any more. */
  withdrawn: readonly SchemaChange[];
  steps: readonly TableStep[];
  counts: RowCounts;
  statements: readonly PlannedStatement[];
  /** Rows that tables lose when their models switch to another version. */
  losses: readonly RowLoss[];
}

/** What decides how a group is followed. */
export interface GroupInput {
  group: string;
  source: string;
  vendor: ExportDocument | undefined;
  bundled: ExportDocument | undefined;
  overrides: Overrides;
  policy: Policy;
  accept: ReadonlySet<number>;
  reject: ReadonlySet<number>;
  now: Date;
  /** The number for the first new change. */
  nextId: number;
}

/**
 * A fingerprint of everything that decides how a group is followed. While it is the same there is nothing to compare.
 */
export function fingerprint(parts: readonly unknown[]): string {
  return sha256(JSON.stringify(parts));
}

/** Plans one group: reads the warehouse, and changes nothing. */
export async function planGroup(session: Session, input: GroupInput): Promise<GroupPlan> {
  const { group, vendor, bundled, overrides, now } = input;
  const present = await groupTables(session, group);
  const before = await knownFeeds(session, group, present);
  const today = dayText(now);
  const base = before.some(({ documented }) => documented)
    ? before
    : baseline(group, before, bundled, overrides, today);

  const wanted = wantedFeeds(group, { vendor, bundled }, overrides, base);
  const lossless = await losslessTypes(session, group, base, wanted);
  const earlier = await changesOfGroup(session, group);
  const asked = compare(base, wanted, (feed, column, to) => lossless.has(typeId(feed, column, to)));
  const corrected = correctedColumns(group, base, overrides, earlier);
  const changes = withProposals([...asked, ...corrected], base, earlier);
  const emptying = new Set<Change>();
  for (const change of changes.filter(({ kind }) => kind === 'version_added')) {
    const version = { name: change.feed, version: change.version };
    if (await wouldEmpty(session, group, version, present)) emptying.add(change);
  }
  const decided = decide(changes, { ...input, earlier, emptying });
  let id = input.nextId;
  const numbered = decided.map((each) => ({ ...each, id: each.known?.change_id ?? id++ }));
  const applied = decided.filter(({ decision }) => decision === 'applied').map(({ change }) => change);
  const next = advance(base, wanted, applied, today);
  const wished = planTables(group, next, numbered, present);
  const counts = await countRows(session, wished);
  const steps = possibleSteps(wished, counts);
  const proposed = new Set(decided.map(({ change }) => changeIdentity(change)));
  return {
    group,
    source: input.source,
    before,
    next,
    changes: numbered,
    steps,
    counts,
    withdrawn: earlier.filter(
      (row) => row.decision === 'held' && row.kind !== 'document_held' && !proposed.has(rowIdentity(row)),
    ),
    statements: planStatements(group, steps, next, present, counts),
    losses: await rowLosses(session, group, { before: base, next, present }),
  };
}

/** What is followed before the vendor's first document: the schema that comes with the program, unchanged. */
function baseline(
  group: string,
  known: readonly KnownFeed[],
  bundled: ExportDocument | undefined,
  overrides: Overrides,
  today: string,
): KnownFeed[] {
  const wanted = wantedFeeds(group, { vendor: undefined, bundled }, overrides);
  return advance(known, wanted, compare(known, wanted), today);
}

function typeId(feed: Pick<KnownFeed, 'name' | 'version'>, column: string, to: ColumnType): string {
  return JSON.stringify([feedId(feed), column.toLowerCase(), to]);
}

/**
 * Inferred columns whose values would all stay the same in the type that is published now, named as by {@link typeId}.
 */
async function losslessTypes(
  session: Session,
  group: string,
  known: readonly KnownFeed[],
  wanted: readonly WantedFeed[],
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const feed of known) {
    const after = wanted.find((other) => feedId(other) === feedId(feed));
    for (const { name, type } of feed.inferred) {
      const to = after?.columns.find((column) => sameName(column.name, name))?.type ?? '';
      if (to === '' || typeChange(type, to, false) === 'same') continue;
      const table = stagingTable(group, feed.name, feed.version);
      const retype = { column: name, from: type, to };
      const { changed } = await session.row<{ changed: number }>(misfitCountQuery(table, retype));
      if (changed === 0) found.add(typeId(feed, name, to));
    }
  }
  return found;
}

async function countRows(session: Session, steps: readonly TableStep[]): Promise<RowCounts> {
  const counts = new Map<string, StepRows>();
  for (const step of steps) {
    if (step.kind === 'create') continue;
    const column = 'column' in step ? step.column.name : step.retype.column;
    const rows = 'column' in step ? '0::BIGINT' : `count(${identifier(column)})`;
    const found = await session.row<Omit<StepRows, 'unfit'>>(
      `SELECT count(*) FILTER (${isRescued(column)}) AS rescued, ${rows} AS rows FROM ${qualified(step.table)}`,
    );
    const checks = step.kind === 'convert' && step.ofKey;
    const { unfit } = checks
      ? await session.row<{ unfit: number }>(misfitCountQuery(step.table, step.retype))
      : { unfit: 0 };
    counts.set(stepId(step), { ...found, unfit });
  }
  return counts;
}
