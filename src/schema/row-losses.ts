import { UsageError } from '../errors.ts';
import { type KnownFeed, sameName } from '../feeds/followed.ts';
import { stagingTable } from '../feeds/names.ts';
import { type PresentTables, presentTableId } from '../ledger/followed-feeds.ts';
import { ownFile } from '../models/assemble.ts';
import { openProject } from '../models/build/build.ts';
import { count } from '../text.ts';
import type { Session } from '../warehouse/session.ts';
import { qualified, type TableName } from '../warehouse/sql.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** Rows that a deduped table would lose because its model switches to a version of which fewer rows have come. */
export interface RowLoss {
  /** The deduped table, and the id of its model: `messaging.convos_metrics`. */
  table: string;
  version: string;
  /** Rows of the deduped table now. */
  rows: number;
  /** Staged rows of the version. */
  staged: number;
}

type FeedNameVersion = Pick<KnownFeed, 'name' | 'version'>;

/**
 * The rows that the tables of a group will certainly lose when their models switch to another version. Only reads.
 * @param before the feeds of the group as they are followed; `next` as they will be
 */
export async function rowLosses(
  session: Session,
  group: string,
  {
    before,
    next,
    present,
  }: { before: readonly KnownFeed[]; next: readonly KnownFeed[]; present: PresentTables },
): Promise<RowLoss[]> {
  const losses: RowLoss[] = [];
  for (const feed of next) {
    const read = before.find((each) => each.modelled && sameName(each.name, feed.name));
    if (!feed.modelled || read === undefined || read.version === feed.version) continue;
    const loss = await rowLossOf(session, group, feed, present);
    if (loss.staged < loss.rows) losses.push(loss);
  }
  return losses;
}

/** Whether a feed's table has rows now and would have none, were it made from a version. Only reads. */
export async function wouldEmpty(
  session: Session,
  group: string,
  version: FeedNameVersion,
  present: PresentTables,
): Promise<boolean> {
  const { rows, staged } = await rowLossOf(session, group, version, present);
  return rows > 0 && staged === 0;
}

async function rowLossOf(
  session: Session,
  group: string,
  { name, version }: FeedNameVersion,
  present: PresentTables,
): Promise<RowLoss> {
  const rowsOf = async (table: TableName) => {
    if (!present.has(presentTableId(table))) return 0;
    return (await session.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${qualified(table)}`)).rows;
  };
  const rows = await rowsOf({ schema: group, table: name });
  return {
    table: `${group}.${name}`,
    version,
    rows,
    staged: await rowsOf(stagingTable(group, name, version)),
  };
}

/**
 * Warns of tables that lose rows by what is planned, and refuses to empty one. A user's own model is not affected: it
 * reads whichever version it names.
 * @param allowEmpty whether a person insists on leaving a table without rows
 * @throws UsageError where a table would be left without rows and nobody insists
 */
export async function checkRowLosses(
  { config, catalogue, reporter }: Pick<Workspace, 'config' | 'catalogue' | 'reporter'>,
  plans: readonly { losses: readonly RowLoss[] }[],
  allowEmpty: boolean,
): Promise<void> {
  const losses = plans.flatMap((plan) => plan.losses);
  if (losses.length === 0) return;
  const project = await openProject(config, catalogue);
  const lost = losses.filter(({ table }) => ownFile(project, table) === undefined);
  const emptied = lost.filter(({ staged }) => staged === 0);
  if (emptied.length > 0 && !allowEmpty) {
    throw new UsageError(emptied.map(describeLoss).join('\n'), {
      hint: 'load its rows first: asapp-warehouse load; to leave the table empty all the same: --allow-empty',
    });
  }
  for (const loss of lost) reporter.warn(describeLoss(loss));
}

function describeLoss({ table, version, rows, staged }: RowLoss): string {
  const there = staged === 0 ? 'has no rows yet' : `has only ${count(staged, 'row')} so far`;
  const lost =
    staged === 0
      ? `its ${count(rows, 'row')}`
      : `at least ${(rows - staged).toLocaleString('en-US')} of its ${count(rows, 'row')}`;
  return `version ${version} of ${table} ${there}: built from it, the table loses ${lost}`;
}
