import { expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import {
  countRejects,
  discardRejects,
  listRejects,
  type RejectChoice,
  rejectedText,
  replayRejects,
} from '../../src/load/rejects.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';
import { feedSpec, NOW, StagingBench } from '../support/staging.ts';

const spec = feedSpec({ id: 'BIGINT' });

function workspace(bench: StagingBench): Workspace {
  const catalogue = { groups: ['messaging'], feed: () => spec, feeds: () => [spec] };
  const config = { limits: DEFAULT_LIMITS };
  return { config, session: bench.session, catalogue, clock: () => NOW } as unknown as Workspace;
}

it('rejected lines are listed, and each is shown as it was delivered', async () => {
  await using bench = await StagingBench.open();
  await bench.stage(spec, [['{"id":1}', '{"id":', '[7]']]);
  const { columns, rows } = await listRejects(bench.session, false);
  const at = (name: string) => columns.findIndex((column) => column.name === name);
  expect(rows.map((row) => [row[at('line')], row[at('reason')]])).toEqual([
    [2n, 'truncated'],
    [3n, 'not_an_object'],
  ]);
  expect((await rejectedText(bench.session, 1, 2)).toString()).toBe('{"id":');
  await expect(rejectedText(bench.session, 1, 1)).rejects.toThrow('line 1 of file 1 was not rejected');
});

it('discarded lines are kept, and no longer counted', async () => {
  await using bench = await StagingBench.open();
  await bench.stage(spec, [['x', 'y'], ['z']]);
  const discard = async (choice: RejectChoice) => {
    const lines = await countRejects(bench.session, choice);
    await discardRejects(bench.session, choice, NOW);
    return lines;
  };
  expect(await discard({ feeds: ['nothing', 'messaging.nothing', "it's"] })).toBe(0);
  expect(await discard({ fileId: 1, line: 2 })).toBe(1);
  expect(await discard({ fileId: 1 })).toBe(1);
  expect((await listRejects(bench.session, false)).rows).toHaveLength(1);
  expect((await listRejects(bench.session, true)).rows).toHaveLength(3);
});

it('a replayed line takes its place, and one that is still broken is left', async () => {
  await using bench = await StagingBench.open();
  await bench.stage(spec, [['{"id":1}', '{"id":2', '{"id":3']]);
  // As if what made the line unreadable had been mended.
  await bench.session.run(`UPDATE ops.rejected_rows SET raw = '{"id":2}'::BLOB WHERE line = 2`);
  expect(await replayRejects(workspace(bench), {})).toEqual({ staged: 1, left: 1 });
  expect(await bench.rows(spec, 'id, _file_id, _line')).toEqual([
    { id: 1, _file_id: 1, _line: 1 },
    { id: 2, _file_id: 1, _line: 2 },
  ]);
  expect(await bench.session.rows('SELECT line, resolution FROM ops.rejected_rows ORDER BY line')).toEqual([
    { line: 2, resolution: 'replayed' },
    { line: 3, resolution: null },
  ]);
  expect(await bench.session.rows('SELECT rows_staged, rows_rejected FROM ops.files')).toEqual([
    { rows_staged: 2, rows_rejected: 1 },
  ]);
});
