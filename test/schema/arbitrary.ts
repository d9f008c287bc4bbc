import fc from 'fast-check';
import type { ColumnDoc, FeedDoc } from '../../src/feeds/documents/document.ts';

/** Documents as they may come: a few feeds of a few columns, so that two of them often speak of the same. */

/** Spellings of each type that mean the same. */
const SPELLINGS = [
  ['bigint', 'int8', 'BIGINT(20)', 'long'],
  ['integer', 'int4', 'int(11)', 'mediumint'],
  ['smallint', 'int2'],
  ['double', 'float8', 'double precision', 'real'],
  ['varchar(191)', 'varchar(255)', 'character varying(65535)', 'text', 'string'],
  ['timestamp', 'datetime', 'timestamp without time zone', 'timestamptz'],
  ['date'],
  ['boolean', 'tinyint(1)', 'bool'],
  ['decimal(10,2)', 'numeric(10, 2)'],
  ['json', 'super', '[]string'],
] as const;

const day = fc.constantFrom(undefined, '2026-01-01', '2026-02-01');
const COLUMNS = ['id', 'name', 'rep_id', 'seconds', 'started_ts', 'an "odd" name; --', 'flag'];

const column = (name: string): fc.Arbitrary<ColumnDoc> =>
  fc.record({
    name: fc.constant(name),
    type: fc.constantFrom(...SPELLINGS.map(([first]) => first)),
    description: fc.constantFrom('', 'One thing.', 'Another thing.'),
    pii: fc.constantFrom('', 'no', 'yes', 'email'),
    created: day,
    updated: day,
    deleted: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: day }),
  });

const feed = (name: string, version: string): fc.Arbitrary<FeedDoc> =>
  fc.subarray(COLUMNS.slice(1), { minLength: 1 }).chain((names) =>
    fc.record({
      name: fc.constant(name),
      version: fc.constant(version),
      description: fc.constantFrom('About it.', 'About something else.'),
      key: fc.subarray(['id', ...names], { minLength: 1, maxLength: 2 }),
      orderBy: fc.subarray(names, { maxLength: 1 }),
      cadenceMinutes: fc.constantFrom(15, 60, 1440),
      active: day,
      modified: day,
      deprecated: day,
      expectedEnd: day,
      actualEnd: day,
      replacement: fc.constantFrom('', 'calls'),
      columns: fc
        .shuffledSubarray(['id', ...names], { minLength: names.length + 1 })
        .chain((listed) => fc.tuple(...listed.map(column))),
    }),
  );

export const documents: fc.Arbitrary<FeedDoc[]> = fc
  .subarray(
    [
      ['calls', '1'],
      ['calls', '2'],
      ['chats', '1'],
      ['reps', '1'],
    ] as const,
    { minLength: 1 },
  )
  .chain((feeds) => fc.tuple(...feeds.map(([name, version]) => feed(name, version))));

/** The same document in other words: types, case, the order of keys, what is not said. */
export const respelled = (feeds: readonly FeedDoc[]): fc.Arbitrary<FeedDoc[]> =>
  fc.tuple(
    ...feeds.map((doc) =>
      fc
        .record({
          version: fc.constantFrom(doc.version, `v${doc.version}`, `${doc.version}.0`),
          key: fc.shuffledSubarray([...doc.key], { minLength: doc.key.length }),
          cadenceMinutes: fc.constantFrom(doc.cadenceMinutes, undefined),
          description: fc.constantFrom(doc.description, ''),
          columns: fc.tuple(
            ...doc.columns.map((each) =>
              fc
                .record({
                  type: fc.constantFrom(
                    '',
                    'no such type',
                    ...(SPELLINGS.find(([first]) => first === each.type) ?? []),
                  ),
                  name: fc.constantFrom(each.name, each.name.toUpperCase()),
                  description: fc.constantFrom(each.description, ''),
                })
                .map((words) => ({ ...each, ...words })),
            ),
          ),
        })
        .map((words) => ({ ...doc, ...words })),
    ),
  );
