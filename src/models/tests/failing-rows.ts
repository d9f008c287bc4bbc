import type { TableName } from '../../warehouse/sql.ts';
import type { Check } from '../data-tests.ts';
import type { Dialect } from '../dialect/dialect.ts';
import type { Relation } from '../relation-call.ts';
import { modelTable, sourceTable } from '../relations.ts';

/**
 * A query for what fails a test: rows, or for `unique` and `accepted_values` the values, each with how often it is there.
 * NULLs fail only where dbt has them fail. Pure.
 * @param model its id
 * @param where SQL: only rows for which it holds are tested
 */
export function failingRows(
  dialect: Dialect,
  check: Check<Relation>,
  model: string,
  where: string | undefined,
): string {
  const all = dialect.qualified(modelTable(model));
  const rows = where === undefined ? all : `(SELECT * FROM ${all} WHERE (${where}\n))`;
  switch (check.kind) {
    case 'unique': {
      const columns = check.columns.map((name) => dialect.identifier(name)).join(', ');
      // As in dbt: a column by itself may have any number of NULLs, a combination of columns may not repeat one.
      const given = check.columns.length === 1 ? `${columns} IS NOT NULL` : 'true';
      return `SELECT ${columns}, count(*) AS n_records FROM ${rows} WHERE ${given} GROUP BY ${columns} HAVING count(*) > 1`;
    }
    case 'not_null':
      return `SELECT * FROM ${rows} WHERE ${dialect.identifier(check.column)} IS NULL`;
    case 'accepted_values': {
      const column = dialect.identifier(check.column);
      return `SELECT ${column}, count(*) AS n_records FROM ${rows} WHERE NOT (${accepts(dialect, column, check)}) GROUP BY ${column}`;
    }
    case 'relationships': {
      const parent = `parent.${dialect.identifier(check.field)}`;
      const child = `child.${dialect.identifier(check.column)}`;
      return `SELECT child.* FROM ${rows} AS child WHERE ${child} IS NOT NULL
  AND NOT EXISTS (FROM ${dialect.qualified(tableOf(check.to))} AS parent WHERE ${parent} = ${child})`;
    }
    case 'expression': {
      const column = check.column === undefined ? '' : `${dialect.identifier(check.column)} `;
      return `SELECT * FROM ${rows} WHERE NOT (${column}${check.expression}\n)`;
    }
  }
}

/** SQL that holds for a value which is accepted, and for none is NULL or holds. */
function accepts(
  dialect: Dialect,
  column: string,
  { values, quote }: Check<Relation> & { kind: 'accepted_values' },
): string {
  if (!quote) return `${column} IN (${values.join(', ')})`;
  const texts = values.map((value) => dialect.literal(String(value))).join(', ');
  // A number is meant as a number: 1 accepts 1.0 of a DOUBLE, which reads otherwise.
  const numbers = values.filter((value) => typeof value === 'number' || typeof value === 'bigint');
  const byValue =
    numbers.length > 0 ? ` OR ${dialect.tryCast(column, 'DOUBLE')} IN (${numbers.join(', ')})` : '';
  return `CAST(${column} AS ${dialect.type('VARCHAR')}) IN (${texts})${byValue}`;
}

function tableOf(relation: Relation): TableName {
  if (relation.kind === 'source') return sourceTable(relation.group, relation.feed);
  if (relation.kind === 'model') return modelTable(relation.id);
  throw new Error('a data test cannot be about this');
}

/** The columns of its model that a test names. */
export function columnsOf(check: Check<unknown>): readonly string[] {
  if (check.kind === 'unique') return check.columns;
  return check.column === undefined ? [] : [check.column];
}
