import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grantTables } from '../../src/feeds/claims.ts';
import { columnName, fieldName, isPlainName, tableName } from '../../src/feeds/names.ts';

const TAKEN = ['rowid', 'filename', 'file_index', 'file_row_number', '_line', '_file_id', '_rescued'];

/** Names, odd ones and taken ones among them. */
const anyName = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .tuple(fc.constantFrom(...TAKEN), fc.mixedCase(fc.constantFrom(...TAKEN)), fc.nat(3))
    .map(([lower, mixed, more]) => `${more % 2 ? lower : mixed}${'_'.repeat(more)}`),
);

describe('the column of a field', () => {
  it.each([
    ['rowid', 'rowid_'],
    ['ROWID', 'ROWID_'],
    ['_line', '_line_'],
    ['_rescued', '_rescued_'],
    ['file_index', 'file_index_'],
    ['rowid_', 'rowid__'],
    ['rowids', 'rowids'],
    ['issue_id', 'issue_id'],
  ])('that is called %s is called %s', (field, column) => {
    expect(columnName(field)).toBe(column);
    expect(fieldName(column)).toBe(field);
  });

  it('leads back to that field, and is no other field’s', () => {
    fc.assert(
      fc.property(anyName, (field) => {
        const column = columnName(field);
        expect(TAKEN).not.toContain(column.toLowerCase());
        expect(fieldName(column)).toBe(field);
      }),
    );
    fc.assert(
      fc.property(anyName, anyName, (one, other) => {
        fc.pre(one.toLowerCase() !== other.toLowerCase());
        expect(columnName(one).toLowerCase()).not.toBe(columnName(other).toLowerCase());
      }),
    );
  });
});

it.each(['', 'a\0b', 'a\nb', 'x'.repeat(201)])('%j is no plain name', (name) => {
  expect(isPlainName(name)).toBe(false);
});

describe('feeds that would meet in one table', () => {
  const feed = (name: string, version = '1') => ({ feed: name, version });

  it.each([
    ['names in another case', feed('calls'), feed('Calls')],
    ['versions in another case', feed('calls', 'a'), feed('calls', 'A')],
    ['a name that reads like a version', feed('calls', '2'), feed('calls__v2')],
  ])('have it granted only to the first: %s', (_what, first, second) => {
    expect(grantTables([second, feed('other'), first], [first])).toEqual({
      granted: [feed('other'), first],
      refused: [{ wanted: second, owner: first }],
    });
    expect(grantTables([first, second], []).granted).toEqual([first]);
    // Whichever it is: rows that are there stay.
    expect(grantTables([first, second], [second, first]).granted).toEqual([second]);
  });

  it('are not those whose versions only look alike', () => {
    const all = [feed('calls'), feed('calls', '01'), feed('calls', '1.0'), feed('calls', ' 1')];
    expect(grantTables(all, []).granted).toEqual(all);
  });

  it('are never both let in, whatever they are called', () => {
    const name = fc.constantFrom('a', 'A', 'a__v2', 'A__V2', 'b', 'a__v2__v2');
    const version = fc.constantFrom('1', '2', '01', 'v2', '2__v2');
    const feeds = fc.array(fc.record({ feed: name, version }));
    fc.assert(
      fc.property(feeds, feeds, (wanted, owners) => {
        const { granted } = grantTables(wanted, owners);
        const tables = new Map<string, string>();
        for (const each of granted) {
          const table = tableName(each.feed, each.version).toLowerCase();
          const known = tables.get(table) ?? JSON.stringify(each);
          expect(JSON.stringify(each)).toBe(known);
          tables.set(table, known);
        }
      }),
    );
  });
});
