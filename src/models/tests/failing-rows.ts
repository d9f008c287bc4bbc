import { identifier, literal, qualified } from '../../warehouse/sql.ts';
import type { Check } from '../data-tests.ts';
import type { Relation } from '../relation-call.ts';
import { relationName, sourceTable } from '../relations.ts';

/**
 * A query for what fails a test: rows, or for `unique` and `accepted_values` the values, each with how often it is there.
 * NULLs fail only where dbt has them fail. Pure.
 * @param model its id
 * @param where SQL: only rows for which it holds are tested
 */
export function failingRows(check: Check<Relation>, model: string, where: string | undefined): string {
  const rows =
    where === undefined ? relationName(model) : `(SELECT * FROM ${relationName(model)} WHERE (${where}\n))`;
  switch (check.kind) {
    case 'unique': {
      const columns = check.columns.map(identifier).join(', ');
      // As in dbt: a column by itself may have any number of NULLs, a combination of columns may not repeat one.
      const given = check.columns.length === 1 ? `${columns} IS NOT NULL` : 'true';
      return `SELECT ${columns}, count(*) AS n_records FROM ${rows} WHERE ${given} GROUP BY ${columns} HAVING count(*) > 1`;
    }
    case 'not_null':
      return `SELECT * FROM ${rows} WHERE ${identifier(check.column)} IS NULL`;
    case 'accepted_values': {
      const column = identifier(check.column);
      return `SELECT ${column}, count(*) AS n_records FROM ${rows} WHERE NOT (${accepts(column, check)}) GROUP BY ${column}`;
    }
    case 'relationships': {
      const parent = `parent.${identifier(check.field)}`;
      const child = `child.${identifier(check.column)}`;
      return `SELECT child.* FROM ${rows} AS child WHERE ${child} IS NOT NULL
  AND NOT EXISTS (FROM ${relationSql(check.to)} AS parent WHERE ${parent} = ${child})`;
    }
    case 'expression': {
      const column = check.column === undefined ? '' : `${identifier(check.column)} `;
      return `SELECT * FROM ${rows} WHERE NOT (${column}${check.expression}\n)`;
    }
  }
}

/** SQL that holds for a value which is accepted, and for none is NULL or holds. */
function accepts(column: string, { values, quote }: Check<Relation> & { kind: 'accepted_values' }): string {
  if (!quote) return `${column} IN (${values.join(', ')})`;
  const texts = values.map((value) => literal(String(value))).join(', ');
  // A number is meant as a number: 1 accepts 1.0 of a DOUBLE, which reads otherwise.
  const numbers = values.filter((value) => typeof value === 'number' || typeof value === 'bigint');
  const byValue = numbers.length > 0 ? ` OR TRY_CAST(${column} AS DOUBLE) IN (${numbers.join(', ')})` : '';
  return `CAST(${column} AS VARCHAR) IN (${texts})${byValue}`;
}

function relationSql(relation: Relation): string {
  if (relation.kind === 'source') return qualified(sourceTable(relation.group, relation.feed));
  if (relation.kind === 'model') return relationName(relation.id);
  throw new Error('a data test cannot be about this');
}

/** The columns of its model that a test names. */
export function columnsOf(check: Check<unknown>): readonly string[] {
  if (check.kind === 'unique') return check.columns;
  return check.column === undefined ? [] : [check.column];
}
