import type { Change } from '../../feeds/changes.ts';
import type { Overrides } from '../../feeds/documents/overrides.ts';
import { feedId, type KnownFeed, sameName } from '../../feeds/followed.ts';
import { tableName } from '../../feeds/names.ts';
import type { SchemaChange } from '../../ledger/tables.ts';

/**
 * The changes that a person's corrections make to inferred columns that nobody published. No document lists these
 * columns, so {@link compare} does not see them. Pure.
 * @param known the feeds of the group as they are followed
 * @param earlier the changes of the group in the ledger
 */
export function correctedColumns(
  group: string,
  known: readonly KnownFeed[],
  overrides: Overrides,
  earlier: readonly SchemaChange[],
): Change[] {
  return known
    .filter(({ documented, columns }) => documented && columns.length === 0)
    .flatMap((feed) => {
      const corrections = overrides.get(group)?.get(tableName(feed.name, feed.version))?.columns ?? [];
      return [...corrections].flatMap(([name, { type, format }]): Change[] => {
        const there = feed.inferred.find((column) => sameName(column.name, name));
        if (!there) return [];
        const base = { feed: feed.name, version: feed.version, column: there.name, corrected: true };
        const before = formatOf(feed, there.name, earlier);
        return [
          ...(there.type === type
            ? []
            : [{ ...base, kind: 'type_changed', before: there.type, after: type } satisfies Change]),
          ...(before === format
            ? []
            : [{ ...base, kind: 'format_changed', before, after: format } satisfies Change]),
        ];
      });
    });
}

/** The format that was applied last. */
function formatOf(feed: KnownFeed, column: string, earlier: readonly SchemaChange[]): string | undefined {
  const last = earlier.findLast(
    (row) =>
      row.kind === 'format_changed' &&
      row.decision === 'applied' &&
      feedId({ name: row.feed, version: row.version ?? '1' }) === feedId(feed) &&
      sameName(row.column_name ?? '', column),
  );
  return last?.after ?? undefined;
}
