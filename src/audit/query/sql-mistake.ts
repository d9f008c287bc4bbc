import { UsageError } from '../../errors.ts';
import { didYouMean, nearest } from '../../text.ts';

/** Words that a reading statement begins with. */
const FIRST_WORDS = 'SELECT FROM WITH SHOW DESCRIBE SUMMARIZE EXPLAIN PIVOT UNPIVOT VALUES'.split(' ');
const KEYWORDS =
  `${FIRST_WORDS.join(' ')} WHERE GROUP ORDER BY HAVING QUALIFY LIMIT OFFSET JOIN LEFT INNER USING UNION EXCEPT
  INTERSECT DISTINCT BETWEEN LIKE CASE WHEN THEN ELSE END OVER PARTITION AND OR NOT NULL TABLES`.split(/\s+/);

/** Hints for DuckDB's messages; the first match counts. */
const HINTS: readonly [
  RegExp,
  (match: RegExpExecArray, tables: readonly string[], sql: string) => string | undefined,
][] = [
  [/syntax error at or near "([^"]+)"/, ([, word = ''], _, sql) => suggestKeyword(word, sql)],
  [
    /syntax error at end of input|unterminated/,
    () => 'a bracket, a quote or the end of the statement is missing',
  ],
  [/Table with name "?([^"\s]+)"? does not exist/, ([, name = ''], tables) => suggestTable(name, tables)],
  [
    /Candidate bindings?: ([^\n]+)/,
    ([, candidates]) => `columns of a like name: ${candidates?.replaceAll('"', '')}`,
  ],
  [/Did you mean "([^"]+)"/, ([, word]) => `did you mean ${word}?`],
  [
    /file system operations are disabled|extensions is disabled/,
    () => '--allow-files lets a query read files of this machine; the network is out of reach',
  ],
  [
    /requires the extension|exists in the \w+ extension/,
    () => 'no extensions are loaded: the network is out of reach',
  ],
];

/**
 * DuckDB's message about a mistake in a person's SQL, with a hint. Pure.
 * @param tables ids of the tables, to guess which was meant
 */
export function sqlMistake(error: Error, sql: string, tables: readonly string[]): UsageError {
  const message = error.message.trim().replace(/^Failed to [a-z ]+: /, '');
  for (const [pattern, help] of HINTS) {
    const match = pattern.exec(message);
    const hint = match && help(match, tables, sql);
    if (hint) return new UsageError(withoutGuess(message), { hint });
  }
  return new UsageError(message);
}

/**
 * The keyword that was probably meant. DuckDB often takes a misspelt one for an alias, and so reports the word behind
 * it: in `SELECT * FORM t` it points at `t`.
 */
function suggestKeyword(word: string, sql: string): string | undefined {
  const words = sql.slice(0, sql.indexOf(word) + word.length).match(/[\p{L}_][\p{L}\d_]*/gu) ?? [];
  for (const [index, candidate] of words.entries()) {
    if (index < words.length - 3) continue;
    const known = index === 0 ? FIRST_WORDS : KEYWORDS;
    const meant = nearest(candidate, known);
    if (meant !== undefined && !known.includes(candidate.toUpperCase())) return `did you mean ${meant}?`;
  }
  return undefined;
}

function suggestTable(name: string, tables: readonly string[]): string {
  const bare = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const same = tables.filter((table) => table.slice(table.indexOf('.') + 1).toLowerCase() === bare);
  if (same.length > 0) return `tables lie in schemas: did you mean ${same.join(' or ')}?`;
  const guess = /"(.+)"/.exec(didYouMean(name, tables))?.[1];
  return guess ? `did you mean ${guess}?` : 'asapp-warehouse query "SHOW TABLES" lists what there is';
}

/** Removes DuckDB's own guesses, which include its internal tables. Ours are in the hint. */
function withoutGuess(message: string): string {
  return message.replace(/\n(?:Did you mean|Candidate bindings?:)[^\n]*/g, '');
}
