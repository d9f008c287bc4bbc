import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Session } from '../../src/warehouse/session.ts';
import { commentText, identifier, literal } from '../../src/warehouse/sql.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

let warehouse: Warehouse;
let session: Session;

beforeAll(async () => {
  warehouse = await Warehouse.open(':memory:');
  session = await warehouse.session();
});
afterAll(() => warehouse[Symbol.asyncDispose]());

/** Every text that UTF-8 can hold, with more of what SQL knows. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('\0', "'", '"', ';', '--', '/*', '$$', '\\', 'é', '\n', 'a'))
    .map((parts) => parts.join('')),
);

test('a quoted text comes back as it was, and nothing behind it is lost', async () => {
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      const row = await session.row(`SELECT ${literal(value)} AS value, 'there' AS "end"`);
      expect(row).toEqual({ value, end: 'there' });
    }),
  );
});

test('a quoted name comes back as it was, or is refused', async () => {
  await fc.assert(
    fc.asyncProperty(text, async (name) => {
      if (name === '' || name.includes('\0')) expect(() => identifier(name)).toThrow('cannot be the name');
      else expect(await session.row(`SELECT 1 AS ${identifier(name)}`)).toEqual({ [name]: 1 });
    }),
    { examples: [['__proto__']] },
  );
});

test('a comment holds everything but NUL characters', async () => {
  await session.run('CREATE TABLE described (a INTEGER)');
  for (const [given, kept] of [
    ["it's \0 cut'", "it's  cut'"],
    ['\0', null],
    ['', null],
    [null, null],
  ] as const) {
    await session.run(`COMMENT ON TABLE described IS ${commentText(given)}`);
    expect(await session.row("SELECT comment FROM duckdb_tables() WHERE table_name = 'described'")).toEqual({
      comment: kept,
    });
  }
});
