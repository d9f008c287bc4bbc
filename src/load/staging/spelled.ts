import type { FeedSpec } from '../../feeds/catalogue.ts';
import { fixedType } from '../../feeds/counts.ts';
import { tableName } from '../../feeds/names.ts';
import type { ColumnType } from '../../feeds/types.ts';
import type { Session } from '../../warehouse/session.ts';
import type { Column } from './columns.ts';

/**
 * How the columns of a feed are spelled, so that one key is one text whatever came before it, and in whichever batches.
 *
 * - A documented key that is text has numbers in one spelling, and values that fit a type that it had before as ones of that
 *   type: what was staged as `7` is the same record as what comes as `7.0` once the column is text.
 * - Where nobody publishes types they follow what has come, and what has come first must not matter. A column of text has
 *   numbers in one spelling; a key takes only values that would be spelled the same, were its column text from the start, and
 *   becomes text with the first that would not.
 *
 * A string is as it was sent, but for the times of a key that could have been a column of times: `"007"` is never 7, and
 * `"7"` is, as it is where the column is a number.
 */
export async function spellingOf(session: Session, spec: FeedSpec): Promise<(column: Column) => Column> {
  const isInferred = spec.columns.length === 0;
  const keys = new Set(spec.key.map((name) => name.toLowerCase()));
  if (isInferred) {
    for (const name of await keysOfModels(session, spec)) keys.add(name);
    return (column) => {
      const { name, type } = column;
      const corrected = spec.corrected?.get(name.toLowerCase())?.format;
      if (fixedType(spec, name) !== undefined) return { ...column, ...(corrected && { format: corrected }) };
      const strict = keys.has(name.toLowerCase()) && type !== 'JSON';
      return { ...column, ...(strict && { strict }), ...(type === 'VARCHAR' && { spelled: [] }) };
    };
  }
  const former = await formerTypes(session, spec);
  const documented = new Map(spec.columns.map((column) => [column.name.toLowerCase(), column]));
  return (column) => {
    const id = column.name.toLowerCase();
    const { type, format } = documented.get(id) ?? {};
    if (column.type !== 'VARCHAR' || !keys.has(id)) return { ...column, ...(format && { format }) };
    const were = [...(former.get(id) ?? []), ...(type === undefined ? [] : [type])];
    return { ...column, spelled: [...new Set(were)].filter((was) => was !== 'VARCHAR' && was !== 'JSON') };
  };
}

/** The types that columns had before they became text, the last first; by name in lower case. */
async function formerTypes(
  session: Session,
  { group, feed, version }: FeedSpec,
): Promise<Map<string, ColumnType[]>> {
  const rows = await session.rows<{ name: string; types: ColumnType[] }>(
    `SELECT lower(column_name) AS name, list(before ORDER BY applied_at DESC, change_id DESC) AS types
     FROM ops.schema_changes
     WHERE feed_group = $1 AND feed = $2 AND version = $3 AND decision = 'applied'
       AND starts_with(kind, 'type_') AND after = 'VARCHAR' AND before IS NOT NULL
     GROUP BY ALL`,
    [group, feed, version],
  );
  return new Map(rows.map(({ name, types }) => [name, types]));
}

async function keysOfModels(session: Session, { group, feed, version }: FeedSpec): Promise<string[]> {
  const rows = await session.rows<{ name: string }>(
    `SELECT DISTINCT column_name AS name FROM ops.model_columns
     WHERE feed_group = $1 AND feed = $2 AND used_as = 'key'`,
    [group, tableName(feed, version)],
  );
  return rows.map(({ name }) => name);
}
