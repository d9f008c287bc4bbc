import { UsageError } from '../errors.ts';
import { explained, leadingWords, statementsOf } from './lexer.ts';
import { planFunctions } from './plan-functions.ts';
import type { Session } from './session.ts';

/** Words that a reading statement may begin with. DuckDB turns a PIVOT into several statements. */
const READING_WORDS = [
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

/**
 * Words that a statement with an effect begins with. They are refused by name, because DuckDB would only say that a
 * file must not be touched.
 */
const WRITING_WORDS = new Set(
  (
    'ALTER ANALYZE ATTACH BEGIN CALL CHECKPOINT COMMENT COMMIT COPY CREATE DEALLOCATE DELETE DETACH DROP EXECUTE EXPORT FORCE ' +
    'IMPORT INSERT INSTALL LOAD MERGE PREPARE RESET ROLLBACK SET START TRUNCATE UPDATE USE VACUUM'
  ).split(' '),
);

/** Table functions with side effects, though a SELECT can call them: DuckDB's log and profile are written to files. */
const SIDE_EFFECT_FUNCTIONS =
  /^(?:(?:enable|disable)_(?:logging|profiling|peg_parser)|truncate_duckdb_logs|(?:force_)?checkpoint)$/;

const ONLY_READING =
  'a query is one statement that reads: SELECT, FROM, WITH, SHOW, DESCRIBE, SUMMARIZE or EXPLAIN';

/**
 * Makes sure that a text is one statement that only reads. DuckDB's own parser tells what it is; nothing of it is run.
 *
 * Which files a query can touch is not decided here: the warehouse is open read-only and DuckDB refuses every other
 * file (`src/warehouse/file-access.ts`). This refuses the rest, and gives people a clear message.
 * @returns the statement without its semicolon, and whether its answer may be large, which that of SHOW or DESCRIBE is
 *   not
 * @throws UsageError when it is anything else; DuckDB's own error when it is not valid SQL
 */
export async function readOnlyStatement(
  session: Session,
  text: string,
): Promise<{ sql: string; mayBeLarge: boolean }> {
  // DuckDB would take it for the end of the text.
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
  if (WRITING_WORDS.has(first)) throw refused(first);
  if (first === 'EXPLAIN') {
    await requireReadingExplain(session, sql);
    return { sql, mayBeLarge: false };
  }
  const { isPivot } = await requireReading(session, sql, first);
  if (first !== 'PRAGMA') await requireNoSideEffects(session, sql);
  return { sql, mayBeLarge: READING_WORDS.includes(first) && !isPivot };
}

async function requireReading(session: Session, sql: string, first: string): Promise<{ isPivot: boolean }> {
  const { count, kind, parameters } = await session.parsed(sql);
  if (parameters > 0)
    throw new UsageError('there is a parameter in the SQL, and no value for it', {
      hint: 'write the value into the statement, in place of ? or $1',
    });
  const isPivot = count > 1 && kind === 'CREATE' && READING_WORDS.includes(first);
  if ((count === 1 && kind === 'SELECT') || isPivot) return { isPivot };
  throw refused(first || kind);
}

function refused(what: string): UsageError {
  const instead = INSTEAD[what];
  return new UsageError(
    `${what} is refused: ${ONLY_READING}`,
    instead === undefined ? {} : { hint: instead },
  );
}

const TO_A_FILE = '--to FILE writes what a query answers, as csv, json, parquet or xlsx';
const INSTEAD: Readonly<Record<string, string>> = {
  COPY: TO_A_FILE,
  EXPORT: TO_A_FILE,
  ATTACH: '--allow-files lets read_csv(…), read_parquet(…) and the like read files of this machine',
  CALL: 'write SELECT * FROM function(…)',
};

async function requireReadingExplain(session: Session, sql: string): Promise<void> {
  let understood = false;
  for (const inner of explained(sql)) {
    const [first = ''] = leadingWords(inner);
    if (WRITING_WORDS.has(first) && first !== 'ANALYZE') throw refused(`EXPLAIN of ${first}`);
    const { count, kind } = await session.parsed(inner).catch((error: Error) => {
      // Only one of the possible readings fails here. If all do, EXPLAIN itself reports the error.
      if (/Parser Error/.test(error.message)) return { count: 0, kind: '', parameters: 0, columns: [] };
      throw error;
    });
    if (count === 0) continue;
    understood = true;
    if (count !== 1 || kind !== 'SELECT') throw refused(`EXPLAIN of ${first || kind}`);
    if (first !== 'PRAGMA') await requireNoSideEffects(session, inner);
  }
  if (!understood) throw refused('EXPLAIN of this');
}

/** Refuses functions with side effects. The plan shows them even inside views and macros. */
async function requireNoSideEffects(session: Session, sql: string): Promise<void> {
  const acting = (await planFunctions(session, sql)).find((name) => SIDE_EFFECT_FUNCTIONS.test(name));
  if (acting) throw new UsageError(`${acting}() is refused: ${ONLY_READING}`);
}
