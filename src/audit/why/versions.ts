import { UsageError } from '../../errors.ts';
import { FILE_ORDER } from '../../ledger/sources.ts';
import { ranking } from '../../models/dialect/duckdb-dedup.ts';
import { planDedup } from '../../models/materialize.ts';
import type { Model } from '../../models/model.ts';
import { relationName, renderModel } from '../../models/relations.ts';
import { count } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { identifier, literal } from '../../warehouse/sql.ts';
import type { ResultTable } from '../../warehouse/values.ts';
import { type ColumnCondition, conditionSql } from './condition.ts';

/** The most rows that are shown. */
const MAX_ROWS = 1000;

/** Every version that was received of some records. */
export interface Versions {
  /**
   * A row for each version, the winner of each record first: key, ordering values, where it came from, and `verdict`.
   */
  table: ResultTable;
  records: number;
  /** Winners that are not in the model's table; undefined while there is no table. */
  notBuilt: number | undefined;
  /** Superseded files, which these files replaced when their partitions were exported again. Their rows are gone. */
  replacedFiles: number;
}

/**
 * Ranks the versions of records by the dedup rule, and says for each loser which column decided.
 * @param present whether the model's table exists
 * @throws UsageError for an unknown column, a value that its column cannot hold, or too many versions
 */
export async function versionsOf(
  session: Session,
  model: Model,
  conditions: readonly ColumnCondition[],
  present: boolean,
): Promise<Versions> {
  const { query, columns } = await planDedup(session, model, renderModel(model));
  const { uniqueKey, orderBy } = query.rule;
  const condition = await conditionSql(session, model.id, columns, conditions);
  const key = uniqueKey.map(identifier);
  const same = key.map((name) => `s.${name} IS NOT DISTINCT FROM k.${name}`).join(' AND ');
  const window = `(PARTITION BY ${key.map((name) => `s.${name}`).join(', ')} ORDER BY ${ranking(query.rule)})`;
  const rescued = columns.some(({ name }) => name === '_rescued') ? ', s._rescued' : '';
  const shown = [...new Set([...uniqueKey, ...orderBy])].map((name) => `s.${identifier(name)}`);
  const ranked = `
WITH wanted AS (SELECT DISTINCT ${key.join(', ')} FROM ${query.from} WHERE ${condition}),
ranked AS (
  SELECT ${shown.join(', ')}, s._partition_ts, o.source, o.path, s._line, ${verdict(orderBy)} AS verdict${rescued},
    s._file_id AS why_file, row_number() OVER why AS why_place
  FROM ${query.from} AS s JOIN wanted AS k ON ${same} JOIN (${FILE_ORDER}) AS f ON f.file_id = s._file_id
    JOIN ops.files AS o ON o.file_id = s._file_id LEFT JOIN ops.sources AS p ON p.source = o.source
  WINDOW why AS ${window})`;
  const inTable = present
    ? `(SELECT count(*) FROM ranked AS r WHERE why_place = 1 AND NOT EXISTS (
       FROM ${relationName(model.id)} AS m WHERE m._file_id = r.why_file AND m._line = r._line))`
    : 'NULL';
  const { rows, ...facts } = await session.row<{
    rows: number;
    records: number;
    missing: number | null;
    replaced: number;
  }>(`${ranked}
SELECT count(*) AS rows, count(*) FILTER (why_place = 1) AS records, ${inTable} AS missing,
  (SELECT count(*) FROM ops.files WHERE superseded_by IN (SELECT why_file FROM ranked)) AS replaced
FROM ranked`);
  if (rows > MAX_ROWS) {
    throw new UsageError(
      `${count(rows, 'version')} of ${count(facts.records, 'record')} match, more than can be shown`,
      {
        hint: `say more of the key: ${uniqueKey.join(', ')}`,
      },
    );
  }
  return {
    table: await session.table(`${ranked}
SELECT * EXCLUDE (why_file, why_place) FROM ranked ORDER BY ${key.join(', ')}, why_place`),
    records: facts.records,
    notBuilt: facts.missing ?? undefined,
    replacedFiles: facts.replaced,
  };
}

/** SQL for `winner`, or the first ranking column in which the version differs from the winner. */
function verdict(orderBy: readonly string[]): string {
  const differs = (sql: string) => `${sql} IS DISTINCT FROM first_value(${sql}) OVER why`;
  const decisions: [string, string][] = [
    ...orderBy.map((name): [string, string] => [`s.${identifier(name)}`, name]),
    ['o.partition_ts', 'partition'],
    ['coalesce(p.configured, false)', 'a source that is no longer configured'],
    [`regexp_extract(o.path, '[^/]*$')`, 'file name'],
    ['p.place', 'order of the sources'],
    ['o.path', 'path'],
    ['o.sha256', 'content of the file'],
    ['o.file_id', 'the same file again'],
  ];
  const cases = decisions.map(([sql, name]) => `WHEN ${differs(sql)} THEN ${literal(name)}`);
  return `CASE WHEN row_number() OVER why = 1 THEN 'winner' ${cases.join(' ')} ELSE 'line' END`;
}
