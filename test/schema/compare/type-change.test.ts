import { expect, test } from 'vitest';
import { type ColumnType, columnType } from '../../../src/feeds/types.ts';
import { typeChange } from '../../../src/schema/compare/type-change.ts';

test.each([
  ['int4', 'integer', 'same'],
  ['varchar(191)', 'varchar(255)', 'same'],
  ['character varying(65535)', 'text', 'same'],
  ['float4', 'double precision', 'same'],
  ['timestamp without time zone', 'datetime', 'same'],
  ['numeric(38,5)', 'decimal(38, 5)', 'same'],
  ['smallint', 'integer', 'widened'],
  ['int4', 'bigint(20)', 'widened'],
  ['int', 'double', 'widened'],
  ['date', 'timestamp', 'widened'],
  ['int', 'decimal(12,2)', 'widened'],
  ['decimal(10,2)', 'decimal(12,3)', 'widened'],
  ['bigint', 'bigint unsigned', 'widened'],
  ['decimal(9,0)', 'bigint', 'widened'],
  ['bigint', 'int', 'narrowed'],
  ['timestamp', 'date', 'narrowed'],
  ['decimal(12,3)', 'decimal(10,2)', 'narrowed'],
  // Ten digits before the point no longer fit.
  ['decimal(12,2)', 'decimal(12,4)', 'changed'],
  // 2^53 + 1 has no double.
  ['bigint', 'double', 'changed'],
  ['bigint', 'varchar', 'changed'],
  ['varchar', 'bigint', 'changed'],
  ['tinyint(1)', 'tinyint', 'changed'],
  ['varchar', 'super', 'changed'],
  ['timestamp', 'varchar', 'changed'],
])('the change of a type from %s to %s counts as %s', (from, to, expected) => {
  expect(typeChange(columnType(from) as ColumnType, columnType(to) as ColumnType, false)).toBe(expected);
});

test('the type of a key is only widened by text, since keys are compared for nothing but equality', () => {
  expect(typeChange('BIGINT', 'VARCHAR', true)).toBe('widened');
  expect(typeChange('TIMESTAMP', 'VARCHAR', true)).toBe('widened');
  expect(typeChange('VARCHAR', 'BIGINT', true)).toBe('changed');
});
