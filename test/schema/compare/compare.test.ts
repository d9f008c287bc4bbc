import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/feeds/changes.ts';
import type { FeedDoc } from '../../../src/feeds/documents/document.ts';
import { parseExportDocument } from '../../../src/feeds/documents/parse.ts';
import { advance } from '../../../src/schema/compare/advance.ts';
import { compare } from '../../../src/schema/compare/compare.ts';
import { columnDoc, feedDoc, followed, TODAY, wantedOf } from '../support.ts';

const COLUMNS = { id: 'bigint', name: 'varchar(191)', seconds: 'int' };
const CALLS = feedDoc('calls', COLUMNS, { orderBy: ['seconds'] });

/** The changes from one document to the next, a line each. */
function changes(before: readonly FeedDoc[], after: readonly FeedDoc[]): string[] {
  const known = followed(before);
  return compare(known, wantedOf(after, known)).map(line);
}

function line({ kind, feed, version, column, before, after }: Change): string {
  const place = `${feed}${version === '1' ? '' : `__v${version}`}${column === undefined ? '' : `.${column}`}`;
  return `${place}: ${kind} ${before ?? ''} -> ${after ?? ''}`;
}

function calls(more: Partial<FeedDoc>): FeedDoc {
  return { ...CALLS, ...more };
}

function withColumns(columns: Parameters<typeof feedDoc>[1]): FeedDoc {
  return feedDoc('calls', columns, { orderBy: ['seconds'] });
}

test('a document is no different from itself', () => {
  expect(changes([CALLS], [CALLS])).toEqual([]);
});

describe('a feed', () => {
  test('that is new is reported as added', () => {
    expect(changes([CALLS], [CALLS, feedDoc('chats', COLUMNS)])).toEqual(['chats: feed_added  -> ']);
  });

  test('that is gone is reported once, and again when it is back', () => {
    expect(changes([CALLS, feedDoc('chats', COLUMNS)], [CALLS])).toEqual(['chats: feed_gone  -> ']);
    const gone = followed([CALLS], followed([CALLS, feedDoc('chats', COLUMNS)]));
    expect(gone.find(({ name }) => name === 'chats')).toMatchObject({ gone: TODAY, documented: true });
    expect(compare(gone, wantedOf([CALLS], gone))).toEqual([]);
    const back = wantedOf([CALLS, feedDoc('chats', COLUMNS)], gone);
    expect(compare(gone, back).map(line)).toEqual([`chats: feed_back not listed since ${TODAY} -> `]);
  });

  test('is reported as deprecated, as ending and as ended, and when one of these is taken back', () => {
    expect(changes([CALLS], [calls({ deprecated: '2026-03-01' })])).toEqual([
      'calls: feed_deprecated  -> 2026-03-01',
    ]);
    expect(
      changes(
        [calls({ expectedEnd: '2026-05-01' })],
        [calls({ expectedEnd: '2026-06-01', actualEnd: '2026-06-01' })],
      ),
    ).toEqual(['calls: feed_ending 2026-05-01 -> 2026-06-01', 'calls: feed_ended  -> 2026-06-01']);
    expect(changes([calls({ deprecated: '2026-03-01' })], [CALLS])).toEqual([
      'calls: feed_back feed_deprecated 2026-03-01 -> ',
    ]);
  });

  test('of a newer version waits beside the one that is read, until it is accepted', () => {
    const two = [CALLS, calls({ version: '2' })];
    expect(changes([CALLS], two)).toEqual(['calls__v2: version_added  -> version 2']);
    const known = followed([CALLS]);
    expect(known.map(({ modelled }) => modelled)).toEqual([true]);
    // Nothing was accepted: the version is there, and asked about again.
    const waiting = followedWithout(two, known, 'version_added');
    expect(waiting.map(({ version, modelled }) => [version, modelled])).toEqual([
      ['1', true],
      ['2', false],
    ]);
    expect(compare(waiting, wantedOf(two, waiting)).map(line)).toEqual([
      'calls__v2: version_added  -> version 2',
    ]);
    const accepted = followed(two, waiting);
    expect(accepted.map(({ modelled }) => modelled)).toEqual([false, true]);
    expect(compare(accepted, wantedOf(two, accepted))).toEqual([]);
  });

  test('of version v2 or 2.0 is one of version 2', () => {
    expect(changes([calls({ version: '2' })], [calls({ version: 'v2' })])).toEqual([]);
    expect(changes([calls({ version: '2' })], [calls({ version: '2.0' })])).toEqual([]);
  });

  test('with another cadence is reported with both', () => {
    expect(changes([CALLS], [calls({ cadenceMinutes: 15 })])).toEqual([
      'calls: cadence_changed 60 minutes -> 15 minutes',
    ]);
  });

  test('stays as it was in what a document does not say', () => {
    const silent = {
      key: [],
      orderBy: [],
      cadenceMinutes: undefined,
      description: '',
      columns: [],
    };
    expect(changes([CALLS], [calls(silent)])).toEqual([]);
    expect(changes([CALLS], [withColumns({ id: '', name: 'no such type', seconds: '' })])).toEqual([]);
  });
});

describe('the way in which records are told apart', () => {
  test('does not depend on the order of the key', () => {
    expect(changes([calls({ key: ['id', 'name'] })], [calls({ key: ['Name', 'id'] })])).toEqual([]);
    expect(changes([CALLS], [calls({ key: ['id', 'name'] })])).toEqual([
      'calls: unique_condition_changed id -> id, name',
    ]);
  });

  test('depends on the order of the ordering columns', () => {
    const plain = feedDoc('calls', { id: 'bigint', a_ts: 'timestamp', b_ts: 'timestamp' });
    const order = (...orderBy: string[]): FeedDoc => ({ ...plain, orderBy });
    expect(changes([order('a_ts')], [order('b_ts')])).toEqual(['calls: ordering_changed a_ts -> b_ts']);
    expect(changes([order('a_ts', 'b_ts')], [order('b_ts', 'a_ts')])).toEqual([
      'calls: ordering_changed a_ts, b_ts -> b_ts, a_ts',
    ]);
  });

  test('changes harmlessly when a key comes where there was none', () => {
    expect(changes([calls({ key: [], orderBy: [] })], [CALLS])).toEqual([
      'calls: unique_condition_added  -> id',
    ]);
  });

  test('changes when the key column comes for which another one stood', () => {
    const columns = { id: 'bigint', company_name: 'varchar' };
    const key = ['company_marker', 'id'];
    expect(
      changes(
        [feedDoc('calls', columns, { key })],
        [feedDoc('calls', { ...columns, company_marker: 'varchar' }, { key })],
      ),
    ).toEqual([
      'calls: unique_condition_changed company_name, id -> company_marker, id',
      'calls.company_marker: column_added  -> VARCHAR',
    ]);
  });

  test('stays when today’s document leaves out a key column', () => {
    expect(changes([CALLS], [withColumns({ name: 'varchar', seconds: 'int' })])).toEqual([
      'calls.id: column_removed BIGINT -> ',
    ]);
  });
});

describe('a column', () => {
  test('that is new is reported as added', () => {
    expect(changes([CALLS], [withColumns({ ...COLUMNS, flag: 'tinyint(1)' })])).toEqual([
      'calls.flag: column_added  -> BOOLEAN',
    ]);
  });

  test('that is left out or marked as deleted is reported once, and again when it is back', () => {
    const without = withColumns({ id: 'bigint', seconds: 'int' });
    const marked = withColumns({ ...COLUMNS, name: columnDoc('name', 'varchar', { deleted: '2026-01-15' }) });
    expect(changes([CALLS], [without])).toEqual(['calls.name: column_removed VARCHAR -> ']);
    expect(changes([CALLS], [marked])).toEqual(['calls.name: column_removed VARCHAR -> 2026-01-15']);
    for (const document of [without, marked]) {
      const known = followed([document], followed([CALLS]));
      expect(compare(known, wantedOf([document], known))).toEqual([]);
      expect(compare(known, wantedOf([CALLS], known)).map(({ kind }) => kind)).toEqual(['column_back']);
    }
  });

  test('that was likely renamed is reported beside what that is made of', () => {
    const renamed = withColumns({ id: 'bigint', full_name: 'text', seconds: 'int' });
    expect(changes([CALLS], [renamed])).toEqual([
      'calls.full_name: column_added  -> VARCHAR',
      'calls.name: column_removed VARCHAR -> ',
      'calls.full_name: column_likely_renamed name -> full_name',
    ]);
  });

  test('of another type or in another place is not taken for a renamed one', () => {
    const retyped = withColumns({ id: 'bigint', full_name: 'bigint', seconds: 'int' });
    const moved = withColumns({ id: 'bigint', seconds: 'int', full_name: 'varchar' });
    for (const document of [retyped, moved]) {
      expect(changes([CALLS], [document]).join()).not.toContain('likely_renamed');
    }
  });

  test('with another type is reported as widened, narrowed or changed', () => {
    expect(changes([CALLS], [withColumns({ id: 'varchar', name: 'int', seconds: 'bigint' })])).toEqual([
      'calls.id: type_widened BIGINT -> VARCHAR',
      'calls.name: type_changed VARCHAR -> INTEGER',
      'calls.seconds: type_widened INTEGER -> BIGINT',
    ]);
    expect(changes([CALLS], [withColumns({ ...COLUMNS, seconds: 'smallint' })])).toEqual([
      'calls.seconds: type_narrowed INTEGER -> SMALLINT',
    ]);
  });

  test('that turns into personal data or back is reported by meaning, also when it is new', () => {
    const pii = (text: string) =>
      withColumns({ ...COLUMNS, name: columnDoc('name', 'varchar', { pii: text }) });
    expect(changes([CALLS], [pii('yes')])).toEqual(['calls.name: pii_on  -> yes']);
    expect(changes([pii('yes')], [CALLS])).toEqual(['calls.name: pii_off yes -> ']);
    expect(changes([CALLS], [pii('no')])).toEqual([]);
    expect(changes([withColumns({ id: 'bigint', seconds: 'int' })], [pii('email')])).toEqual([
      'calls.name: column_added  -> VARCHAR',
      'calls.name: pii_on  -> email',
    ]);
  });

  test('with another description is counted, and not listed', () => {
    const described = withColumns({
      ...COLUMNS,
      name: columnDoc('name', 'varchar', { description: 'Who.' }),
    });
    expect(changes([CALLS], [{ ...described, description: 'Phone calls.' }])).toEqual([
      'calls: description_changed  -> the feed and 1 column',
    ]);
  });
});

describe('a feed that was in the data before it was documented', () => {
  const seen = [
    {
      ...followed([CALLS])[0],
      documented: false,
      modelled: false,
      columns: [],
      key: [],
      orderBy: [],
      inferred: [
        { name: 'id', type: 'BIGINT' as const },
        { name: 'name', type: 'BIGINT' as const },
        { name: 'extra', type: 'VARCHAR' as const },
      ],
    } as ReturnType<typeof followed>[number],
  ];

  test('is added, and a type is widened only where the values are the same in it', () => {
    const wanted = wantedOf([CALLS], seen);
    expect(compare(seen, wanted, (_feed, column) => column === 'name').map(line)).toEqual([
      'calls: feed_added  -> ',
      'calls.name: type_widened BIGINT -> VARCHAR',
    ]);
    expect(compare(seen, wanted).map(line)).toEqual([
      'calls: feed_added  -> ',
      'calls.name: type_changed BIGINT -> VARCHAR',
    ]);
  });

  test('keeps the type of its values while a change of it is held', () => {
    const [calls] = followedWithout([CALLS], seen, 'type_changed');
    expect(calls?.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'id BIGINT',
      'name BIGINT',
      'seconds INTEGER',
    ]);
    expect(calls?.inferred).toEqual([{ name: 'extra', type: 'VARCHAR' }]);
  });
});

test('another spelling of the same schema is no difference', () => {
  const text = (type: string, key: string) => `
schemas:
  - name: exports
    tables:
      - { name: calls, version: '1', ${key}, sync_time: 1h, columns: [{ name: id, type: ${type} }] }
`;
  const read = (source: string) => parseExportDocument(source, 'export_docs.yaml').document.feeds;
  const known = followed(read(text('bigint', 'primary_key: id')));
  for (const other of [
    text("'int8'", "unique_condition: '[id]'"),
    text('BIGINT(20)', "primary_key: 'primary-key: id'"),
    '{"schemas":[{"tables":{"calls":{"version":1,"primary_key":["id"],"columns":{"id":"long"}}}}]}',
  ]) {
    expect(compare(known, wantedOf(read(other), known))).toEqual([]);
  }
});

/** As {@link followed}, but for changes of one kind. */
function followedWithout(
  feeds: readonly FeedDoc[],
  before: ReturnType<typeof followed>,
  kind: Change['kind'],
): ReturnType<typeof followed> {
  const wanted = wantedOf(feeds, before);
  const applied = compare(before, wanted).filter((change) => change.kind !== kind);
  return advance(before, wanted, applied, TODAY);
}
