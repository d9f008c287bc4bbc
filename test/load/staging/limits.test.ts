import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KEPT_BYTES, type Line, readLines } from '../../../src/load/lines.ts';
import { feedSpec, StagingBench } from '../../support/staging.ts';

/** What goes beyond a limit is rejected with the limit's name; everything else is staged, and nothing is lost. */

const SPEC = feedSpec({ id: 'BIGINT', text: 'VARCHAR' });

async function all(lines: AsyncIterable<Line>): Promise<Line[]> {
  const found: Line[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

const rejected = (bench: StagingBench) =>
  bench.session.rows(
    'SELECT line, reason, detail, octet_length(raw) AS bytes FROM ops.rejected_rows ORDER BY file_id, line',
  );

describe('limits.line_bytes', () => {
  it('rejects a longer line, keeps its beginning, and lets the others be staged', async () => {
    await using bench = await StagingBench.open({ line_bytes: 100_000 });
    const long = JSON.stringify({ id: 2, text: 'x'.repeat(100_000) });
    const lines = ['{"id":1,"text":"a"}', long, '{"id":3,"text":"b"}'];
    expect(await bench.stage(SPEC, [lines])).toEqual({ rows: 2, rejected: 1 });
    expect(await bench.rows(SPEC, 'id')).toEqual([{ id: 1 }, { id: 3 }]);
    expect(await rejected(bench)).toEqual([
      {
        line: 2,
        reason: 'line_too_long',
        detail: 'the line is longer than limits.line_bytes (100000B): only its first 64KiB are kept here',
        bytes: KEPT_BYTES,
      },
    ]);
  });

  it('stops keeping a longer line while it is read, wherever it ends', async () => {
    await using bench = await StagingBench.open();
    const file = join(bench.folder, 'long.jsonl');
    const size = 5 * 2 ** 20;
    await writeFile(file, `{}\n${'x'.repeat(size)}\n{"a":1}\n${' '.repeat(size)}\n${'y'.repeat(size)}`);
    const lines = await all(readLines(file, 2 ** 20));
    expect(lines.map(({ number, length, bytes }) => [number, length, bytes.length])).toEqual([
      [1, 2, 2],
      [2, size, KEPT_BYTES],
      [3, 7, 7],
      [5, size, KEPT_BYTES],
    ]);
    const few = await all(readLines(file, 10));
    expect(few.map(({ bytes }) => bytes.length)).toEqual([2, 10, 7, 10]);
  });

  it('keeps memory small for a line of 600 MB, which Node cannot make a text of', {
    timeout: 120_000,
  }, async () => {
    await using bench = await StagingBench.open();
    const before = process.resourceUsage().maxRSS;
    const file = join(bench.folder, 'huge.jsonl');
    const chunk = Buffer.alloc(2 ** 20, 'x');
    await writeFile(
      file,
      (function* () {
        for (let count = 0; count < 600; count += 1) yield chunk;
      })(),
    );
    const [line, ...more] = await all(readLines(file, 64 * 2 ** 20));
    expect([line?.length, line?.bytes.length, more]).toEqual([600 * 2 ** 20, KEPT_BYTES, []]);
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(400 * 1024);
  });
});

describe('limits.object_keys', () => {
  const wide = (count: number, id: number) =>
    JSON.stringify({ id, ...Object.fromEntries([...Array(count).keys()].map((key) => [`k${key}`, key])) });

  it.each([
    ['a documented feed', SPEC],
    ['a feed that nobody documents', feedSpec({})],
  ])('rejects a line with more fields, and keeps it whole, in %s', async (_what, spec) => {
    await using bench = await StagingBench.open({ object_keys: 50 });
    const line = wide(50, 2);
    expect(await bench.stage(spec, [['{"id":1}', line]])).toEqual({ rows: 1, rejected: 1 });
    expect(await rejected(bench)).toEqual([
      {
        line: 2,
        reason: 'too_many_fields',
        detail: 'the object has more fields than limits.object_keys (50)',
        bytes: line.length,
      },
    ]);
  });

  it('keeps memory from growing with the square of the fields', { timeout: 120_000 }, async () => {
    await using bench = await StagingBench.open({ object_keys: 10_000, table_columns: 20 }, '300MB');
    const lines = [wide(100_000, 1), wide(5_000, 2), wide(9_000, 3), '{"id":4}'];
    for (const spec of [SPEC, feedSpec({}, { feed: 'undocumented' })]) {
      expect(await bench.stage(spec, [lines])).toEqual({ rows: 3, rejected: 1 });
      const [row] = await bench.rows(spec, 'len(json_keys(_rescued)) AS fields, id');
      expect(row?.id).toBe(2);
    }
  });
});

describe('limits.table_columns', () => {
  it('leaves the fields beyond it in _rescued', async () => {
    await using bench = await StagingBench.open({ table_columns: 2 });
    const spec = feedSpec({});
    await bench.stage(spec, [['{"a":1,"b":2,"c":3}', '{"a":null,"b":null,"d":4}']]);
    expect(await bench.rows(spec, 'a, b, _rescued')).toEqual([
      { a: 1, b: 2, _rescued: '{"c":3}' },
      { a: null, b: null, _rescued: '{"d":4}' },
    ]);
  });
});
