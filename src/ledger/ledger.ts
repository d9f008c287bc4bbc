import { Kysely } from 'kysely';
import type { Session } from '../warehouse/session.ts';
import { duckdbDialect } from './dialect.ts';
import type { LedgerTables } from './tables.ts';

const ledgers = new WeakMap<Session, Kysely<LedgerTables>>();

/** The typed ledger, over a session and inside its transaction if it has one. */
export function ledger(session: Session): Kysely<LedgerTables> {
  const known = ledgers.get(session);
  if (known) return known;
  const made = new Kysely<LedgerTables>({ dialect: duckdbDialect(session) });
  ledgers.set(session, made);
  return made;
}
