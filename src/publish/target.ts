import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BusyError, UsageError } from '../errors.ts';
import { ledger } from '../ledger/ledger.ts';
import type { Session } from '../warehouse/session.ts';
import { literal } from '../warehouse/sql.ts';
import { tablesAndViews } from '../warehouse/tables.ts';

const NAME = 'published_there';

/**
 * Checks the target of publishing before anything is started: an existing file is replaced, so it must be one that this
 * program wrote. A path that this program has published to before is accepted in any state.
 * @param target the file that analysts open
 * @throws UsageError when something else is there
 * @throws BusyError when another process is writing to the file, so that it cannot be checked
 */
export async function refuseOtherFile(session: Session, target: string): Promise<void> {
  const found = await stat(target).catch(() => undefined);
  if (!found) return;
  if (found.isDirectory())
    throw new UsageError(`${target}, the copy for analysts, is a folder`, {
      hint: 'name a file in it at publish: in warehouse.yaml',
    });
  const [left] = await ledger(session).selectFrom('ops.published').select('path').execute();
  if (left?.path === resolve(target) || (await isCopy(session, target))) return;
  throw new UsageError(`${target} is there already, and is no copy for analysts: it would be replaced`, {
    hint: 'name another file at publish: in warehouse.yaml, or move this one away',
  });
}

/** Whether a file is a warehouse with a ledger: a copy published by another loader, or by an older program. */
async function isCopy(session: Session, target: string): Promise<boolean> {
  try {
    await session.run(`ATTACH ${literal(target)} AS ${NAME} (READ_ONLY)`);
  } catch (error) {
    const { message } = error as Error;
    if (!/conflicting lock/i.test(message)) return false;
    const holder = /held in (.+?) \(PID (\d+)\)/.exec(message);
    throw new BusyError(
      `${target}, the copy for analysts, is held open for writing by ${holder ? `${holder[1]} (process ${holder[2]})` : 'another process'}`,
      {
        hint: "close it there; whoever only reads it opens it read-only, and is in nobody's way",
        cause: error,
      },
    );
  }
  try {
    const where = `schema = 'ops' AND "table" IN ('runs', 'models')`;
    return (await tablesAndViews(session, { database: NAME, where })).length === 2;
  } finally {
    await session.run(`DETACH ${NAME}`);
  }
}
