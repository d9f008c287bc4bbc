import type { ColumnType } from '../../feeds/types.ts';

export type TypeChange = 'same' | 'widened' | 'narrowed' | 'changed';

/**
 * What a column's new type means for the values of its old one. Pure.
 * @param ofKey whether the column is a part of the key. As text it then loses nothing, since it is only compared for
 *   equality. A measure that becomes text can no longer be added up, which a person should know before.
 */
export function typeChange(from: ColumnType, to: ColumnType, ofKey: boolean): TypeChange {
  if (from === to) return 'same';
  if (includesAll(to, from) || (ofKey && to === 'VARCHAR')) return 'widened';
  return includesAll(from, to) ? 'narrowed' : 'changed';
}

/** Decimal digits of the largest value. */
const INTEGER_DIGITS = new Map<ColumnType, number>([
  ['TINYINT', 3],
  ['SMALLINT', 5],
  ['INTEGER', 10],
  ['BIGINT', 19],
]);

/** Whether `wide` can hold every value of `narrow`, exactly and with the same meaning. */
function includesAll(wide: ColumnType, narrow: ColumnType): boolean {
  if (wide === 'TIMESTAMP') return narrow === 'DATE';
  const digits = INTEGER_DIGITS.get(narrow);
  const wideDigits = INTEGER_DIGITS.get(wide);
  if (digits !== undefined && wideDigits !== undefined) return wideDigits > digits;
  // A double is exact up to fifteen digits.
  if (wide === 'DOUBLE') return digits !== undefined && digits <= 15;
  const decimal = decimalOf(wide);
  const narrowDecimal = digits === undefined ? decimalOf(narrow) : { whole: digits, scale: 0 };
  if (decimal && narrowDecimal)
    return decimal.whole >= narrowDecimal.whole && decimal.scale >= narrowDecimal.scale;
  return wideDigits !== undefined && narrowDecimal?.scale === 0 && narrowDecimal.whole < wideDigits;
}

function decimalOf(type: ColumnType): { whole: number; scale: number } | undefined {
  const parts = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  return parts ? { whole: Number(parts[1]) - Number(parts[2]), scale: Number(parts[2]) } : undefined;
}
