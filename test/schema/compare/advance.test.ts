import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Change, changeIdentity } from '../../../src/feeds/changes.ts';
import { advance } from '../../../src/schema/compare/advance.ts';
import { compare } from '../../../src/schema/compare/compare.ts';
import { documents, respelled } from '../arbitrary.ts';
import { followed, TODAY, wantedOf } from '../support.ts';

/** What holds for any two documents. */

test('a document that is followed is no different from itself', () => {
  fc.assert(
    fc.property(documents, (feeds) => {
      const known = followed(feeds);
      expect(compare(known, wantedOf(feeds, known))).toEqual([]);
    }),
  );
});

test('applying all changes from one document to the next is following the next', () => {
  fc.assert(
    fc.property(documents, documents, (a, b) => {
      const known = followed(b, followed(a));
      expect(compare(known, wantedOf(b, known))).toEqual([]);
      // What the document lists is there as it lists it, and nothing that was there is lost.
      for (const feed of b) {
        const there = known.find(({ name, version }) => name === feed.name && version === feed.version);
        expect(there?.columns.filter(({ deleted }) => !deleted).map(({ name }) => name)).toEqual(
          feed.columns.filter(({ deleted }) => !deleted).map(({ name }) => name),
        );
      }
      for (const feed of a) {
        const there = known.find(({ name, version }) => name === feed.name && version === feed.version);
        expect(there?.columns.map(({ name }) => name)).toEqual(
          expect.arrayContaining(feed.columns.map(({ name }) => name)),
        );
      }
    }),
  );
});

test('what is not applied is found again, and nothing else', () => {
  fc.assert(
    fc.property(documents, documents, fc.infiniteStream(fc.boolean()), (a, b, coin) => {
      const known = followed(a);
      const wanted = wantedOf(b, known);
      const all = compare(known, wanted);
      // Those that others depend on are applied: a column's type is nobody's question while its feed is held.
      const some = all.filter(({ kind }) => /^(feed|column)_|version/.test(kind) || coin.next().value);
      const next = advance(known, wanted, some, TODAY);
      const left = new Set(all.map(identity));
      for (const change of some) left.delete(identity(change));
      expect(new Set(compare(next, wantedOf(b, next)).map(identity))).toEqual(left);
    }),
  );
});

/** Whether text widens a column depends on the key, which may change meanwhile. */
function identity(change: Change): string {
  return changeIdentity(change).replace(/"type_\w+"/, '"type"');
}

test('the same in other words is no change', () => {
  fc.assert(
    fc.property(
      documents.chain((feeds) => fc.tuple(fc.constant(feeds), respelled(feeds))),
      ([feeds, words]) => {
        const known = followed(feeds);
        expect(compare(known, wantedOf(words, known))).toEqual([]);
      },
    ),
  );
});

test('the model of each feed reads exactly one of its versions', () => {
  fc.assert(
    fc.property(documents, documents, (a, b) => {
      const known = followed(b, followed(a));
      for (const name of new Set(known.map((feed) => feed.name))) {
        expect(known.filter((feed) => feed.name === name && feed.modelled)).toHaveLength(1);
      }
    }),
  );
});
