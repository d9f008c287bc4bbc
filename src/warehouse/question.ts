import { UsageError } from '../errors.ts';
import { explained, leadingWords, statementsOf } from './lexer.ts';
import { planFunctions } from './plan-functions.ts';
import type { Session } from './session.ts';

/** What a SELECT begins with. DuckDB turns one with PIVOT into several statements. */
const READS = [
  'SELECT',
  'FROM',
  'WITH',
  'VALUES',
  'TABLE',
  'PIVOT',
  'PIVOT_WIDER',
  'UNPIVOT',
  'PIVOT_LONGER',
];

/** What statements begin with that do something. DuckDB would tell of most only that they may not touch a file. */
const DOES = new Set(
  (
    'ALTER ANALYZE ATTACH BEGIN CALL CHECKPOINT COMMENT COMMIT COPY CREATE DEALLOCATE DELETE DETACH DROP EXECUTE EXPORT FORCE ' +
    'IMPORT INSERT INSTALL LOAD MERGE PREPARE RESET ROLLBACK SET START TRUNCATE UPDATE USE VACUUM'
  ).split(' '),
);

/** Table functions that do something, though they stand in a SELECT: DuckDB's log and profile go to files. */
const ACTING =
  /^(?:(?:enable|disable)_(?:logging|profiling|peg_parser)|truncate_duckdb_logs|(?:force_)?checkpoint)$/;

const ONE_READS =
  'a query is one statement that reads: SELECT, FROM, WITH, SHOW, DESCRIBE, SUMMARIZE or EXPLAIN';

/**
 * Makes sure that a text is one statement that reads. DuckDB's own parser tells what it is; nothing of it is run.
 *
 * What it may reach is not decided here: the file is open for reading only, and reaches no other
 * (`src/warehouse/reach.ts`). This is for the rest, and so that a person is told what cannot be.
 * @returns the statement, without a semicolon, and whether its answer may be large: what describes is not
 * @throws UsageError when it is anything else; DuckDB's own error when it is not right
 */
export async function readingStatement(
  session: Session,
  text: string,
): Promise<{ sql: string; mayBeLarge: boolean }> {
  // DuckDB takes it for the end.
  if (text.includes('\0'))
    throw new UsageError('there is a NUL in the SQL', { hint: 'write chr(0) instead' });
  const [sql, another] = statementsOf(text);
  if (sql === undefined)
    throw new UsageError('there is no SQL to run', { hint: 'asapp-warehouse query "SHOW TABLES"' });
  if (another !== undefined)
    throw new UsageError(`there are ${statementsOf(text).length} statements, and a query is one`, {
      hint: 'call query for each, or give them to asapp-warehouse shell',
    });
  const [first = ''] = leadingWords(sql);
  if (DOES.has(first)) throw refused(first);
  if (first === 'EXPLAIN') {
    await mustExplainReading(session, sql);
    return { sql, mayBeLarge: false };
  }
  const { isPivot } = await mustRead(session, sql, first);
  if (first !== 'PRAGMA') await mustNotAct(session, sql);
  return { sql, mayBeLarge: READS.includes(first) && !isPivot };
}

async function mustRead(session: Session, sql: string, first: string): Promise<{ isPivot: boolean }> {
  const { count, kind, parameters } = await session.parsed(sql);
  if (parameters > 0)
    throw new UsageError('there is a parameter in the SQL, and no value for it', {
      hint: 'write the value into the statement, in place of ? or $1',
    });
  const isPivot = count > 1 && kind === 'CREATE' && READS.includes(first);
  if ((count === 1 && kind === 'SELECT') || isPivot) return { isPivot };
  throw refused(first || kind);
}

function refused(what: string): UsageError {
  const instead = INSTEAD[what];
  return new UsageError(`${what} is refused: ${ONE_READS}`, instead === undefined ? {} : { hint: instead });
}

const TO_A_FILE = '--to FILE writes what a query answers, as csv, json, parquet or xlsx';
const INSTEAD: Readonly<Record<string, string>> = {
  COPY: TO_A_FILE,
  EXPORT: TO_A_FILE,
  ATTACH: '--allow-files lets read_csv(…), read_parquet(…) and the like read files of this machine',
  CALL: 'write SELECT * FROM function(…)',
};

async function mustExplainReading(session: Session, sql: string): Promise<void> {
  let understood = false;
  for (const inner of explained(sql)) {
    const [first = ''] = leadingWords(inner);
    if (DOES.has(first) && first !== 'ANALYZE') throw refused(`EXPLAIN of ${first}`);
    const { count, kind } = await session.parsed(inner).catch((error: Error) => {
      // One of the ways to read it; if none is right, EXPLAIN itself will say so.
      if (/Parser Error/.test(error.message)) return { count: 0, kind: '', parameters: 0, columns: [] };
      throw error;
    });
    if (count === 0) continue;
    understood = true;
    if (count !== 1 || kind !== 'SELECT') throw refused(`EXPLAIN of ${first || kind}`);
    if (first !== 'PRAGMA') await mustNotAct(session, inner);
  }
  if (!understood) throw refused('EXPLAIN of this');
}

/** Looks at the plan, where nothing can hide. */
async function mustNotAct(session: Session, sql: string): Promise<void> {
  const acting = (await planFunctions(session, sql)).find((name) => ACTING.test(name));
  if (acting) throw new UsageError(`${acting}() is refused: ${ONE_READS}`);
}
