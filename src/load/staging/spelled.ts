import type { FeedSpec } from '../../feeds/catalogue.ts';
import { fixedType } from '../../feeds/counts.ts';
import { tableName } from '../../feeds/names.ts';
import type { ColumnType } from '../../feeds/types.ts';
import { groupBy } from '../../group-by.ts';
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
  return (await spellings(session))(spec);
}

/** The same for any feed, with what the ledger says of all of them read at once. */
export async function spellings(session: Session): Promise<(spec: FeedSpec) => (column: Column) => Column> {
  const former = await formerTypes(session);
  const modelKeys = await keysOfModels(session);
  return (spec) =>
    spec.columns.length === 0
      ? inferredSpelling(spec, modelKeys.get(modelId(spec)) ?? [])
      : documentedSpelling(spec, former.get(typeId(spec)) ?? new Map());
}

function inferredSpelling(spec: FeedSpec, modelKeys: readonly string[]): (column: Column) => Column {
  const keys = new Set([...spec.key, ...modelKeys].map((name) => name.toLowerCase()));
  return (column) => {
    const { name, type } = column;
    const corrected = spec.corrected?.get(name.toLowerCase())?.format;
    if (fixedType(spec, name) !== undefined) return { ...column, ...(corrected && { format: corrected }) };
    const strict = keys.has(name.toLowerCase()) && type !== 'JSON';
    return { ...column, ...(strict && { strict }), ...(type === 'VARCHAR' && { spelled: [] }) };
  };
}

function documentedSpelling(
  spec: FeedSpec,
  former: ReadonlyMap<string, readonly ColumnType[]>,
): (column: Column) => Column {
  const keys = new Set(spec.key.map((name) => name.toLowerCase()));
  const documented = new Map(spec.columns.map((column) => [column.name.toLowerCase(), column]));
  return (column) => {
    const id = column.name.toLowerCase();
    const { type, format } = documented.get(id) ?? {};
    if (column.type !== 'VARCHAR' || !keys.has(id)) return { ...column, ...(format && { format }) };
    const were = [...(former.get(id) ?? []), ...(type === undefined ? [] : [type])];
    return { ...column, spelled: [...new Set(were)].filter((was) => was !== 'VARCHAR' && was !== 'JSON') };
  };
}

const typeId = ({ group, feed, version }: FeedSpec) => JSON.stringify([group, feed, version]);
const modelId = ({ group, feed, version }: FeedSpec) => JSON.stringify([group, tableName(feed, version)]);

/** The types that columns had before they became text, the last first; by feed, and by name in lower case. */
async function formerTypes(session: Session): Promise<Map<string, Map<string, ColumnType[]>>> {
  const rows = await session.rows<{
    group: string;
    feed: string;
    version: string;
    name: string;
    types: ColumnType[];
  }>(
    `SELECT feed_group AS "group", feed, version, lower(column_name) AS name,
       list(before ORDER BY applied_at DESC, change_id DESC) AS types
     FROM ops.schema_changes
     WHERE decision = 'applied' AND starts_with(kind, 'type_') AND after = 'VARCHAR' AND before IS NOT NULL
     GROUP BY ALL`,
  );
  const byFeed = groupBy(rows, ({ group, feed, version }) => JSON.stringify([group, feed, version]));
  return new Map([...byFeed].map(([id, own]) => [id, new Map(own.map(({ name, types }) => [name, types]))]));
}

/** The columns that models tell records apart by, by the feed's table. */
async function keysOfModels(session: Session): Promise<Map<string, string[]>> {
  const rows = await session.rows<{ group: string; table: string; names: string[] }>(
    `SELECT feed_group AS "group", feed AS "table", list(DISTINCT column_name) AS names
     FROM ops.model_columns WHERE used_as = 'key' GROUP BY ALL`,
  );
  return new Map(rows.map(({ group, table, names }) => [JSON.stringify([group, table]), names]));
}
