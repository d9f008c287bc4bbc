import { loadCatalogue } from '../../feeds/catalogue.ts';
import type { ExportDocument, FeedDoc } from '../../feeds/documents/document.ts';
import type { Overrides } from '../../feeds/documents/overrides.ts';
import {
  feedId,
  type KnownFeed,
  type Origin,
  type WantedColumn,
  type WantedFeed,
} from '../../feeds/followed.ts';
import { tableName } from '../../feeds/names.ts';
import { columnType } from '../../feeds/types.ts';

/**
 * What the documents of a group ask for: the schema that comes with the program, feed by feed replaced by the vendor's own
 * document, and corrected by `overrides.yaml`. Pure.
 * @param vendor the document that is followed; undefined while none has come
 * @param known what is followed so far: a feed that a vendor's document listed once is not taken from ours again
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
    ...correct(group, fromVendor, 'vendor', overrides, known),
    ...correct(group, fromUs, 'bundled', overrides, known),
  ];
}

function correct(
  group: string,
  feeds: readonly FeedDoc[],
  origin: Origin,
  overrides: Overrides,
  known: readonly KnownFeed[],
): WantedFeed[] {
  const byId = new Map(known.map((feed) => [feedId(feed), feed]));
  const named = new Map<string, FeedDoc>();
  for (const feed of feeds) {
    const renamed = { ...feed, version: plainVersion(feed.version) };
    if (!named.has(feedId(renamed))) named.set(feedId(renamed), renamed);
  }
  // Keys name columns that the table has, also when today's document leaves one out.
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

/** `v2` and `2.0` are version 2: the folders of the data say `version=2`. */
function plainVersion(version: string): string {
  return /^v?(\d+)(?:\.0+)?$/i.exec(version)?.[1] ?? version;
}
