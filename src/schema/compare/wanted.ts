import { loadCatalogue } from '../../feeds/catalogue.ts';
import type { ExportDocument, FeedDoc } from '../../feeds/documents/document.ts';
import type { Overrides } from '../../feeds/documents/overrides.ts';
import {
  type DocumentOrigin,
  feedId,
  type KnownFeed,
  type WantedColumn,
  type WantedFeed,
} from '../../feeds/followed.ts';
import { tableName } from '../../feeds/names.ts';
import { columnType } from '../../feeds/types.ts';

/**
 * What the documents of a group ask for: the vendor's own document, for feeds that it lacks the bundled schema, and on
 * top of both the corrections in `overrides.yaml`. Pure.
 * @param vendor the document that is followed; undefined before the first one
 * @param known what is followed so far: for a feed that a vendor's document once listed, the bundled schema is not used
 *   again
 */
export function wantedFeeds(
  group: string,
  documents: { vendor: ExportDocument | undefined; bundled: ExportDocument | undefined },
  overrides: Overrides,
  known: readonly KnownFeed[] = [],
): WantedFeed[] {
  const fromVendor = documents.vendor?.feeds ?? [];
  const taken = new Set([
    ...fromVendor.map(feedId),
    ...known.filter(({ origin, documented }) => documented && origin === 'vendor').map(feedId),
  ]);
  const fromUs = (documents.bundled?.feeds ?? []).filter((feed) => !taken.has(feedId(feed)));
  return [
    ...corrected(group, fromVendor, 'vendor', overrides, known),
    ...corrected(group, fromUs, 'bundled', overrides, known),
  ];
}

function corrected(
  group: string,
  feeds: readonly FeedDoc[],
  origin: DocumentOrigin,
  overrides: Overrides,
  known: readonly KnownFeed[],
): WantedFeed[] {
  const byId = new Map(known.map((feed) => [feedId(feed), feed]));
  const named = new Map<string, FeedDoc>();
  for (const feed of feeds) {
    const renamed = { ...feed, version: plainVersion(feed.version) };
    if (!named.has(feedId(renamed))) named.set(feedId(renamed), renamed);
  }
  // The known columns are added, so that a key still finds a column that today's document leaves out.
  const whole = [...named.values()].map((feed) => withKnownColumns(feed, byId.get(feedId(feed))));
  const catalogue = loadCatalogue([{ group, document: { feeds: whole } }], overrides);
  return [...named.values()].flatMap((feed): WantedFeed[] => {
    const spec = catalogue.feed(group, feed.name, feed.version);
    if (!spec) return [];
    const override = overrides.get(group)?.get(tableName(feed.name, feed.version));
    const types = new Map(spec.columns.map(({ name, type }) => [name, type]));
    const columns = feed.columns.flatMap((doc): WantedColumn[] => {
      const type = types.get(doc.name);
      if (type === undefined) return [];
      const correction = override?.columns?.get(doc.name);
      const said = correction !== undefined || (doc.type !== '' && columnType(doc.type) !== undefined);
      return [
        {
          ...doc,
          type: said ? type : '',
          published: doc.type,
          format: correction?.format,
          ...(correction?.own && { corrected: true }),
        },
      ];
    });
    return [{ ...feed, key: spec.key, orderBy: spec.orderBy, columns, origin }];
  });
}

function withKnownColumns(feed: FeedDoc, known: KnownFeed | undefined): FeedDoc {
  const listed = new Set(feed.columns.map(({ name }) => name.toLowerCase()));
  const unlisted = known?.columns.filter(({ name }) => !listed.has(name.toLowerCase())) ?? [];
  return { ...feed, columns: [...feed.columns, ...unlisted] };
}

/** `v2` and `2.0` mean version 2, as in the folders of the data (`version=2`). */
function plainVersion(version: string): string {
  return /^v?(\d+)(?:\.0+)?$/i.exec(version)?.[1] ?? version;
}
