import { nextChangeId, storeChanges } from '../../ledger/schema-changes.ts';
import type { SchemaChange } from '../../ledger/tables.ts';
import type { Limits } from '../../limits.ts';
import type { Session } from '../../warehouse/session.ts';
import type { LandedFile } from '../file.ts';
import { widenColumns } from './infer.ts';
import type { StagingTable } from './table.ts';

/**
 * What becomes of a column that does not hold every value it must, and how `ops.schema_changes` is told.
 *
 * Of a feed that nobody publishes types of, they follow the data: the column is widened at once. A published type is a
 * promise that models rely on, and one broken line must not change it: the line is rejected, and text is proposed for its
 * key, which a person accepts (`schema accept`, which reads those lines again) or the policy does.
 */

/** Widens columns of an inferred feed so that they hold what is there and what came. */
export async function widen(
  session: Session,
  table: StagingTable,
  { source, files, limits }: { source: string; files: readonly LandedFile[]; limits: Limits },
  names: readonly string[],
  now: Date,
): Promise<StagingTable> {
  const before = new Map(table.columns.map(({ name, type }) => [name, type]));
  return session.transaction(async () => {
    const wider = await widenColumns(session, table, { files, limits }, names);
    const changed = wider.columns.filter(({ name }) => names.includes(name));
    const first = await nextChangeId(session);
    await storeChanges(
      session,
      changed.map(({ name, type }, index) => ({
        ...changeOf(table, source, { name, before: before.get(name) ?? null, after: type }),
        change_id: first + index,
        detected_at: now,
        severity: 'info',
        decision: 'applied',
        applied_at: now,
        decided_at: now,
      })),
    );
    return wider;
  });
}

/**
 * Proposes text for columns of a key whose values did not fit, unless that waits for a person already, or one said no. Part
 * of the transaction that rejects the lines.
 */
export async function proposeWidening(
  session: Session,
  table: StagingTable,
  source: string,
  names: ReadonlySet<string>,
  now: Date,
): Promise<void> {
  if (names.size === 0) return;
  const { group, feed, version } = table.spec;
  const known = await session.rows<{ name: string }>(
    `SELECT DISTINCT lower(column_name) AS name FROM ops.schema_changes
     WHERE feed_group = $1 AND feed = $2 AND version = $3 AND found_in = 'data'
       AND decision IN ('held', 'rejected', 'ignored')`,
    [group, feed, version],
  );
  const told = new Set(known.map(({ name }) => name));
  const fresh = [...names].filter((name) => !told.has(name.toLowerCase()));
  if (fresh.length === 0) return;
  const types = new Map(table.columns.map(({ name, type }) => [name, type]));
  const first = await nextChangeId(session);
  await storeChanges(
    session,
    fresh.map((name, index) => ({
      ...changeOf(table, source, { name, before: types.get(name) ?? null, after: 'VARCHAR' }),
      change_id: first + index,
      detected_at: now,
      severity: 'attention',
      decision: 'held',
      applied_at: null,
      decided_at: null,
    })),
  );
}

function changeOf(
  { spec }: StagingTable,
  source: string,
  { name, before, after }: { name: string; before: string | null; after: string },
) {
  return {
    source,
    feed: spec.feed,
    column_name: name,
    kind: 'type_widened',
    before,
    after,
    feed_group: spec.group,
    version: spec.version,
    found_in: 'data',
  } satisfies Partial<SchemaChange>;
}
