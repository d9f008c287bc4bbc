import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { PROGRAM } from '../support/build.ts';
import { ask } from '../support/project.ts';
import { columnDoc, feedDoc, SchemaBench } from './support.ts';

const ROWS = 30_000;
const COLUMNS = { id: 'bigint', name: 'varchar(191)', seconds: 'int' };

/** Everything that an apply changes, as one row each: it is all as before, or all as after. */
const STATE = `SELECT
  (SELECT count(*) FROM duckdb_columns() WHERE table_name = 'calls' AND column_name IN ('flag', 'note')) AS added,
  (SELECT data_type FROM duckdb_columns() WHERE table_name = 'calls' AND column_name = 'seconds') AS type,
  (SELECT count(comment) FROM duckdb_columns() WHERE table_name = 'calls' AND column_name = 'name') AS comments,
  (SELECT count(*) FROM ops.columns) AS columns,
  (SELECT count(*) FROM ops.documents) AS documents,
  (SELECT count(*) FROM ops.schema_changes WHERE decision = 'applied') AS changes,
  (SELECT count(_rescued) FROM staging_phones.calls) AS rescued`;

test('an apply that is killed at any moment happened whole or not at all', { timeout: 180_000 }, async () => {
  const before = {
    added: 0,
    type: 'INTEGER',
    comments: 0,
    columns: 3,
    documents: 1,
    changes: 1,
    rescued: ROWS,
  };
  const after = {
    added: 2,
    type: 'BIGINT',
    comments: 1,
    columns: 5,
    documents: 2,
    changes: 5,
    rescued: 0,
  };
  await using bench = await SchemaBench.open();
  await bench.follow('2026-01-05', [feedDoc('calls', COLUMNS)]);
  const records = Array.from({ length: ROWS }, (_, id) => ({
    id,
    seconds: 7,
    flag: id % 2 === 0,
    note: `n${id}`,
  }));
  await bench.load('calls', '2026-01-05', records);
  const name = columnDoc('name', 'varchar(191)', { description: 'Who called.' });
  await bench.publish('2026-01-06', [
    feedDoc('calls', { ...COLUMNS, name, seconds: 'bigint', flag: 'boolean', note: 'text' }),
  ]);
  await bench.workspace[Symbol.asyncDispose]();

  const { folder } = bench.project;
  const states: unknown[] = [];
  for (let delay = 300; ; delay += 100) {
    const child = spawn(process.execPath, [PROGRAM, 'schema', 'apply', '-q'], {
      cwd: folder,
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    await Promise.race([ended, sleep(delay)]);
    child.kill('SIGKILL');
    const [code] = await ended;
    const [state] = await ask(bench.project.path('warehouse.duckdb'), STATE);
    states.push(state);
    expect([before, after]).toContainEqual(state);
    if (code !== null) {
      expect(code).toBe(0);
      break;
    }
  }
  // Most of them were killed before it was done, and the last one was not killed.
  expect(states[0]).toEqual(before);
  expect(states.at(-1)).toEqual(after);
});
