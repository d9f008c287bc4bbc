import { expect, test } from 'vitest';
import { fittingColumns } from '../../src/cli/fitting-columns.ts';

const TABLE = {
  columns: ['feed', 'state', 'newest', 'staged', 'rejected'].map((name) => ({ name, type: 'VARCHAR' })),
  rows: [['messaging.convos_metrics', 'ok', '2026-01-05 07:00', '12', '3']],
};
const IMPORTANT = ['feed', 'state', 'rejected'];

test.each([
  [200, ['feed', 'state', 'newest', 'staged', 'rejected']],
  // 24 + 2 + 5 + 2 + 16 + 2 + 6 + 2 + 8
  [67, ['feed', 'state', 'newest', 'staged', 'rejected']],
  [66, ['feed', 'state', 'newest', 'rejected']],
  [50, ['feed', 'state', 'staged', 'rejected']],
  [35, ['feed', 'state']],
  [5, ['feed']],
])('a terminal that is %d characters wide shows the columns %j', async (width, names) => {
  const { columns, rows } = await fittingColumns(TABLE, IMPORTANT, width);
  expect(columns.map(({ name }) => name)).toEqual(names);
  expect(rows[0]?.[0]).toBe('messaging.convos_metrics');
});
