import { UsageError } from '../../errors.ts';
import { columnName, nameId } from '../../feeds/names.ts';
import { valueSql } from '../../models/tests/given-rows.ts';
import type { ShapeColumn } from '../../models/tests/shapes.ts';
import { didYouMean } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { identifier, literal } from '../../warehouse/sql.ts';

/** `COL=VALUE`, as it was typed. */
export interface ColumnCondition {
  column: string;
  /** `''` matches NULL and empty text. */
  value: string;
}

/** @throws UsageError for a word that is no condition */
export function readConditions(words: readonly string[]): ColumnCondition[] {
  return words.map((word) => {
    const at = word.indexOf('=');
    if (at > 0) return { column: word.slice(0, at), value: word.slice(at + 1) };
    throw new UsageError(`${JSON.stringify(word)} is not COL=VALUE`, {
      hint: 'as in asapp-warehouse why convos_metrics issue_id=12345',
    });
  });
}

/**
 * SQL that is true for rows that meet all conditions. Each value is read as its column's type.
 * @throws UsageError for an unknown column, and for a value that its column cannot hold
 */
export async function conditionSql(
  session: Session,
  model: string,
  columns: readonly ShapeColumn[],
  conditions: readonly ColumnCondition[],
): Promise<string> {
  const parts = [];
  for (const condition of conditions) parts.push(await partOf(session, model, columns, condition));
  return parts.join(' AND ');
}

async function partOf(
  session: Session,
  model: string,
  columns: readonly ShapeColumn[],
  { column, value }: ColumnCondition,
): Promise<string> {
  const named = (wanted: string) => columns.find(({ name }) => nameId(name) === nameId(wanted));
  const found = named(column) ?? named(columnName(column));
  if (!found) {
    const names = columns.map(({ name }) => name);
    throw new UsageError(`${model} has no column ${JSON.stringify(column)}${didYouMean(column, names)}`, {
      hint: `it has ${names.join(', ')}`,
    });
  }
  const name = identifier(found.name);
  if (value === '') return `(${name} IS NULL OR ${name}::VARCHAR = '')`;
  // JSON is compared as text: it has no equality of its own.
  if (found.type === 'VARCHAR' || found.type === 'JSON') return `${name}::VARCHAR = ${literal(value)}`;
  const sql = valueSql(value, found.type);
  await session.run(`SELECT ${sql}`).catch((cause) => {
    throw new UsageError(`${JSON.stringify(value)} is no value of ${found.name}, which is a ${found.type}`, {
      cause,
    });
  });
  return `${name} = ${sql}`;
}
