import type { Session } from '../../warehouse/session.ts';
import type { Dialect } from './dialect.ts';
import { duckdb } from './duckdb.ts';

/**
 * The dialect in which a session is to be talked to: whoever runs statements asks here, and names no engine. All sessions are
 * DuckDB's; those in memory, in which models are checked and unit tests run, stay so whichever engine has the tables.
 */
export function dialectOf(_session: Session): Dialect {
  return duckdb;
}
