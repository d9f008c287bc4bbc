import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import type { Session } from '../warehouse/session.ts';
import type { SqlValue } from '../warehouse/sql.ts';

/**
 * Kysely over one DuckDB session. DuckDB's SQL is PostgreSQL's, down to `$1` parameters and quoted names.
 *
 * Use {@link Session.transaction} so that ledger rows and the staged rows they describe commit together; kysely's own
 * `transaction()` works too, on the same connection. `destroy()` leaves the session open, which belongs to whoever
 * opened it.
 *
 * Not the published `kysely-duckdb` 0.4: it loses columns named `count`, reads timestamps as local time and closes the
 * caller's database.
 */
export function duckdbDialect(session: Session): Dialect {
  const connection: DatabaseConnection = {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      return { rows: await session.rows<R>(query.sql, query.parameters as readonly SqlValue[]) };
    },
    // biome-ignore lint/correctness/useYield: the ledger's results fit in memory, nobody streams them
    async *streamQuery() {
      throw new Error('the DuckDB dialect does not stream');
    },
  };
  return {
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createDriver: () => ({
      init: async () => {},
      acquireConnection: async () => connection,
      beginTransaction: async () => void (await connection.executeQuery(CompiledQuery.raw('BEGIN'))),
      commitTransaction: async () => void (await connection.executeQuery(CompiledQuery.raw('COMMIT'))),
      rollbackTransaction: async () => void (await connection.executeQuery(CompiledQuery.raw('ROLLBACK'))),
      releaseConnection: async () => {},
      destroy: async () => {},
    }),
  };
}
