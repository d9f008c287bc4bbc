import { text } from 'node:stream/consumers';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

/**
 * Runs statements against a DuckDB file, in a process of its own: `node sql-script.js FILE`, a JSON array of statements on
 * stdin. Prints a JSON array: how many seconds each took, and its rows.
 */
export interface Answer {
  seconds: number;
  rows: Record<string, unknown>[];
}

const [file = ':memory:'] = process.argv.slice(2);
const statements = JSON.parse(await text(process.stdin)) as string[];
const answers: Answer[] = [];
{
  await using warehouse = await Warehouse.open(file, { fileAccess: { folders: ['/'] } });
  const session = await warehouse.session();
  for (const statement of statements) {
    const start = performance.now();
    const rows = await session.rows(statement);
    answers.push({ seconds: (performance.now() - start) / 1000, rows });
  }
}
process.stdout.write(JSON.stringify(answers));
