import { fixedType } from '../../feeds/counts.ts';
import type { Limits } from '../../limits.ts';
import type { FitRules } from './careful.ts';
import { type Column, takesAll } from './columns.ts';
import { isInferred, type StagingTable } from './table.ts';

/**
 * What becomes of a value that does not fit its column. Pure.
 *
 * In a feed with documented columns a value of the key is the only one that a line cannot do without: as NULL it would merge
 * records that have nothing to do with each other. Its line is rejected, and a person decides about the column's type. Where
 * nobody publishes types, they follow the data: the column is widened. A column of times that was inferred is not, unless it
 * is a key: one odd text must not make times into texts.
 * @param keyColumns what identifies a record; left out: the feed's own key
 */
export function fitRules(
  table: StagingTable,
  limits: Limits,
  keyColumns: readonly string[] = table.spec.key,
): FitRules {
  const keys = new Set(keyColumns.map((name) => name.toLowerCase()));
  const narrow = table.columns.filter((column) => !takesAll(column));
  const isKey = ({ name, strict }: Column) => strict === true || keys.has(name.toLowerCase());
  const names = (columns: readonly { name: string }[]) => columns.map(({ name }) => name);
  return isInferred(table)
    ? {
        limits,
        keyColumns: [],
        mustFit: names(
          narrow.filter(
            (column) =>
              (column.type !== 'TIMESTAMP' || isKey(column)) &&
              fixedType(table.spec, column.name) === undefined,
          ),
        ),
      }
    : { limits, keyColumns: names(narrow.filter(isKey)), mustFit: [] };
}
