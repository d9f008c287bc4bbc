import type { Session } from '../warehouse/session.ts';
import { ledger } from './ledger.ts';
import type { Failure } from './tables.ts';

/**
 * Standing failures (`ops.failures`): sources, feeds, models and tests that failed as a whole and have not succeeded
 * since. Files have a table of their own.
 */

export type FailureKind = Failure['kind'];

/** A failure of the current run. */
export type NewFailure = Pick<Failure, 'name' | 'message'> &
  Partial<Pick<Failure, 'source' | 'hint' | 'blocks'>>;

/** The standing failures of some kinds, longest standing first. */
export async function standingFailures(session: Session, kinds: readonly FailureKind[]): Promise<Failure[]> {
  return ledger(session)
    .selectFrom('ops.failures')
    .selectAll()
    .where('kind', 'in', kinds)
    .where('resolved_at', 'is', null)
    .orderBy('first_failed_at')
    .orderBy('name')
    .execute();
}

/** What was tried of one kind, and what of it failed. */
export interface Tried {
  kind: FailureKind;
  failed: readonly NewFailure[];
  /** Whether this would have failed again, or is not there any more to be tried: a failure that stands is over then. */
  wasTried: (failure: Failure) => boolean;
}

/** Records how attempts ended: what failed becomes a standing failure, which stays until it is tried again and succeeds. */
export async function updateStandingFailures(
  session: Session,
  attempts: readonly Tried[],
  ended: { runId: number; now: Date },
): Promise<void> {
  const kinds = attempts.map(({ kind }) => kind);
  const standing = kinds.length > 0 ? await standingFailures(session, kinds) : [];
  for (const tried of attempts) {
    const own = standing.filter(({ kind }) => kind === tried.kind);
    await update(session, tried, own, ended);
  }
}

async function update(
  session: Session,
  { kind, failed, wasTried }: Tried,
  standing: readonly Failure[],
  { runId, now }: { runId: number; now: Date },
): Promise<void> {
  const names = new Set(failed.map(({ name }) => name));
  const before = new Map(standing.map((failure) => [failure.name, failure]));
  const over = standing
    .filter((failure) => !names.has(failure.name) && wasTried(failure))
    .map(({ name }) => name);
  if (over.length === 0 && failed.length === 0) return;
  await session.transaction(async () => {
    if (over.length > 0) {
      const open = ledger(session).updateTable('ops.failures').where('kind', '=', kind);
      await open
        .where('resolved_at', 'is', null)
        .where('name', 'in', over)
        .set({ resolved_at: now })
        .execute();
    }
    if (failed.length === 0) return;
    const open = ledger(session).deleteFrom('ops.failures').where('kind', '=', kind);
    await open
      .where('resolved_at', 'is', null)
      .where('name', 'in', [...names])
      .execute();
    const rows = failed.map(({ name, source = null, message, hint = null, blocks = false }): Failure => {
      const known = before.get(name);
      return {
        kind,
        name,
        source,
        message,
        hint,
        blocks,
        run_id: runId,
        attempts: (known?.attempts ?? 0) + 1,
        first_failed_at: known?.first_failed_at ?? now,
        last_failed_at: now,
        resolved_at: null,
      };
    });
    await session.insert({ schema: 'ops', table: 'failures' }, [
      ...new Map(rows.map((row) => [row.name, row])).values(),
    ]);
  });
}
