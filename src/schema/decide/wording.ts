import type { Change } from '../../feeds/changes.ts';
import { tableName } from '../../feeds/names.ts';
import type { SchemaChange } from '../../ledger/tables.ts';
import { changeOf } from './decide.ts';

/** Changes in words. Pure. */

/** `messaging.rep_convos.rep_id: type widened, INTEGER -> BIGINT` */
export function describeChange(group: string, change: Omit<Change, 'kind'> & { kind: string }): string {
  const { kind, feed, version, column, before, after } = change;
  const place = [group, tableName(feed, version), ...(column === undefined ? [] : [column])].join('.');
  const what = kind.replaceAll('_', ' ');
  const values = [before, after].filter((value) => value !== undefined && value !== '');
  return `${place}: ${what}${values.length > 0 ? `, ${values.join(' -> ')}` : ''}`;
}

/** The same for a row of the ledger. */
export function describeRow(row: SchemaChange): string {
  if (row.kind === 'document_held') return `the schema document of ${row.feed_group}: ${row.after}`;
  return describeChange(row.feed_group ?? row.source, changeOf(row));
}
