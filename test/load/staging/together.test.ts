import { describe, expect, test } from 'vitest';
import { feedSpec, StagingBench } from '../../support/staging.ts';

const calls = feedSpec({ id: 'BIGINT' });
const chats = feedSpec({ id: 'BIGINT', seen: 'TIMESTAMP' }, { feed: 'chats' });
/** Nobody publishes its columns. */
const visits = feedSpec({}, { feed: 'visits' });

const FILES = 'SELECT feed, rows_staged AS staged, rows_rejected AS rejected FROM ops.files ORDER BY file_id';

describe('batches that are staged together', () => {
  test('are all staged, however each of them has to be read', async () => {
    await using bench = await StagingBench.open();
    const batches = [
      await bench.batch(calls, [['{"id":1}'], ['{"id":9007199254740993}', '{"id":2,"more":1.50}']]),
      await bench.batch(visits, [['{"id":1}', '{"id":"x"}', 'broken']]),
      await bench.batch(chats, [['{"id":"one"}', '{"seen":"2026-01-05 10:00:00 +02:00","id":3.0}'], []]),
    ];
    expect(await bench.stageTogether(batches)).toEqual({ told: ['calls', 'visits', 'chats'] });
    expect(await bench.session.rows(FILES)).toEqual([
      { feed: 'calls', staged: 1, rejected: 0 },
      { feed: 'calls', staged: 2, rejected: 0 },
      { feed: 'visits', staged: 2, rejected: 1 },
      { feed: 'chats', staged: 2, rejected: 0 },
      { feed: 'chats', staged: 0, rejected: 0 },
    ]);
    expect(await bench.rows(calls)).toMatchObject([
      { id: 1, _file_id: 1, _line: 1 },
      { id: 9007199254740993n, _file_id: 2, _line: 1, _rescued: null },
      { id: 2, _file_id: 2, _line: 2, _rescued: '{"more":1.50}' },
    ]);
    expect(await bench.rows(visits, 'id, _line')).toEqual([
      { id: '1', _line: 1 },
      { id: 'x', _line: 2 },
    ]);
    expect(await bench.rows(chats, 'id, seen, _rescued')).toEqual([
      { id: null, seen: null, _rescued: '{"id":"one"}' },
      { id: 3, seen: new Date('2026-01-05T08:00:00Z'), _rescued: null },
    ]);
    expect(await bench.session.rows('SELECT feed, column_name, misfits FROM ops.column_misfits')).toEqual([
      { feed: 'chats', column_name: 'id', misfits: 1 },
    ]);
    expect(await bench.session.rows('SELECT feed, field FROM ops.undeclared_fields')).toEqual([
      { feed: 'calls', field: 'more' },
    ]);
  });

  test('are none of them staged where something is wrong with one', async () => {
    await using bench = await StagingBench.open();
    await bench.stage(chats, [['{"id":1}']]);
    await bench.session.run('CREATE UNIQUE INDEX one ON staging_messaging.chats(id)');
    const batches = [await bench.batch(calls, [['{"id":1}']]), await bench.batch(chats, [['{"id":1}']])];
    expect(await bench.stageTogether(batches)).toMatchObject({
      told: [],
      error: { message: expect.stringContaining('Constraint') },
    });
    expect(await bench.session.rows(FILES)).toEqual([{ feed: 'chats', staged: 1, rejected: 0 }]);
    expect(await bench.rows(calls)).toEqual([]);
    // By itself the other one is.
    expect(await bench.stage(calls, [['{"id":1}']])).toEqual({ rows: 1, rejected: 0 });
  });
});
