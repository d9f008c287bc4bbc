import { expect, test } from 'vitest';
import { columnType } from '../../src/feeds/types.ts';

test.each([
  // Integers, whatever the database that the word comes from.
  ['bigint', 'BIGINT'],
  ['bigint(20)', 'BIGINT'],
  ['INT8', 'BIGINT'],
  ['int', 'INTEGER'],
  ['int4', 'INTEGER'],
  ['integer', 'INTEGER'],
  ['smallint', 'SMALLINT'],
  ['tinyint', 'TINYINT'],
  ['tinyint(4)', 'TINYINT'],
  ['int(10) unsigned', 'BIGINT'],
  ['bigint unsigned', 'DECIMAL(20,0)'],
  // A flag can arrive as 0, 1, true or false.
  ['tinyint(1)', 'BOOLEAN'],
  ['boolean', 'BOOLEAN'],
  ['Bool', 'BOOLEAN'],
  // JSON numbers are doubles.
  ['double', 'DOUBLE'],
  ['double precision', 'DOUBLE'],
  ['float', 'DOUBLE'],
  ['real', 'DOUBLE'],
  ['numeric(38,5)', 'DECIMAL(38,5)'],
  ['decimal( 10 , 2 )', 'DECIMAL(10,2)'],
  ['number(9)', 'DECIMAL(9,0)'],
  ['timestamp', 'TIMESTAMP'],
  ['TIMESTAMP', 'TIMESTAMP'],
  ['timestamp(6) without time zone', 'TIMESTAMP'],
  ['timestamp without time zone', 'TIMESTAMP'],
  ['timestamp with time zone', 'TIMESTAMP'],
  ['timestamptz', 'TIMESTAMP'],
  ['datetime', 'TIMESTAMP'],
  ['date', 'DATE'],
  ['varchar', 'VARCHAR'],
  ['VARCHAR(255)', 'VARCHAR'],
  ['character varying(65535)', 'VARCHAR'],
  ['text', 'VARCHAR'],
  ['string', 'VARCHAR'],
  ['varchar(36) not null', 'VARCHAR'],
  ['json', 'JSON'],
  ['super', 'JSON'],
  ['variant', 'JSON'],
  ['struct', 'JSON'],
  ['[]string', 'JSON'],
  ['varchar(255)[]', 'JSON'],
  ['array<struct<a:int,b:string>>', 'JSON'],
  ['map<string,int>', 'JSON'],
  ['row(a int, b array(text))', 'JSON'],
  // Nothing said: text.
  ['', 'VARCHAR'],
  ['  ', 'VARCHAR'],
])('the published type %j becomes %s', (published, type) => expect(columnType(published)).toBe(type));

test.each([
  'interval',
  'geometry',
  'numeric',
  'numeric(39,2)',
  'decimal(5,9)',
  'text unsigned',
  'varchar(',
  'a)b(',
])('the published type %j is not known', (published) => expect(columnType(published)).toBeUndefined());

test('reading an endless type takes no time', () => {
  const started = performance.now();
  expect(columnType(`${'a('.repeat(500_000)} x`)).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(1000);
});
