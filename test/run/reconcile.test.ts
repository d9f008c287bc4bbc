import { describe, expect, test } from 'vitest';
import { emptyProofs } from '../../src/ledger/proofs.ts';
import { Project } from '../support/project.ts';

const counts = (job: string, interval: string, rows: unknown, more: object = {}) => ({
  export_date: '2026-01-05',
  export_job: job,
  export_interval: interval,
  company_name: 'c',
  exported_rows: rows,
  ...more,
});
const intent = (id: number) => ({ issue_id: id, company_name: 'c', instance_ts: '2026-01-05T07:00:00Z' });

/** What the ledger says of the days that are over: `voice_intents 2/2 true`. */
async function reconciled(project: Project): Promise<string[]> {
  const rows = await project.published<{ line: string }>(
    `SELECT feed || ' ' || exported_rows || '/' || received_rows || ' ' || reconciles AS line
     FROM ops.reconciliation ORDER BY ALL`,
  );
  return rows.map(({ line }) => line);
}

describe('counts that the vendor sends', { timeout: 120_000 }, () => {
  test('are compared but for one that is no number, which is reported', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-05 07', [intent(1), intent(2)]);
    await project.partition('convos_metrics', '2026-01-05 07', [{ issue_id: 1 }]);
    await project.partition('export_row_counts', '2026-01-05 07', [
      counts('voice_intents', 'hr=07', 2),
      counts('convos_metrics', 'hr=07', 1),
    ]);
    await project.run();
    expect(await reconciled(project)).toEqual(['convos_metrics 1/1 true', 'voice_intents 2/2 true']);
    await project.partition('export_row_counts', '2026-01-05 08', [
      counts('voice_intents', 'hr=08', 'n/a'),
      counts('convos_metrics', 'hr=08', 0),
    ]);
    const { exitCode, attention } = await project.run();
    expect(exitCode).toBe(3);
    expect(attention).toContainEqual(expect.objectContaining({ kind: 'counts_unreadable', count: 1 }));
    expect(await reconciled(project)).toEqual(['convos_metrics 1/1 true', 'voice_intents 2/2 false']);
    expect(
      await project.loader(
        `SELECT typeof(exported_rows) AS type, _rescued::VARCHAR AS rescued
         FROM staging_messaging.export_row_counts WHERE _rescued IS NOT NULL`,
      ),
    ).toEqual([{ type: 'BIGINT', rescued: '{"exported_rows":"n/a"}' }]);
    expect(await project.loader('SELECT feed FROM ops.counted_days WHERE unreadable > 0')).toEqual([
      { feed: 'voice_intents' },
    ]);
  });

  test('are numbers even when the first of all is none', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-05 07', [intent(1)]);
    await project.partition('export_row_counts', '2026-01-05 07', [counts('voice_intents', 'hr=07', 'n/a')]);
    await project.run();
    await project.partition('export_row_counts', '2026-01-05 08', [counts('voice_intents', 'hr=07', '1')]);
    await project.run();
    expect(await reconciled(project)).toEqual(['voice_intents 1/1 true']);
  });

  test('that are sent again or by two sources are counted once', async () => {
    await using project = await Project.create(
      `sources:\n  messaging:\n    connector: local\n    path: ./feeds\n  copy:\n    connector: local\n    path: ./copy\n    group: messaging\n`,
    );
    await project.partition('voice_intents', '2026-01-05 07', [intent(1), intent(2)]);
    await project.partition('export_row_counts', '2026-01-05 07', [counts('voice_intents', 'hr=07', 1)]);
    await project.partition('export_row_counts', '2026-01-05 08', [counts('voice_intents', 'hr=07', 2)]);
    const root = 'copy';
    await project.partition('export_row_counts', '2026-01-05 08', [counts('voice_intents', 'hr=07', 2)], {
      root,
    });
    await project.run();
    expect(await reconciled(project)).toEqual(['voice_intents 2/2 true']);
  });

  test('are read under each of the names that they have', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-05 07', [intent(1), intent(2)]);
    await project.partition('export_row_counts', '2026-01-05 07', [
      counts('voice_intents', 'hr=06', undefined, { row_count: 1, account_id: 7 }),
      counts('voice_intents', 'hr=07', 1, { account_id: 7 }),
    ]);
    await project.run();
    expect(await reconciled(project)).toEqual(['voice_intents 2/2 true']);
  });
});

test('a proof that had rows and is empty now is found', { timeout: 120_000 }, async () => {
  await using project = await Project.create();
  await project.partition('voice_intents', '2026-01-05 07', [intent(1)]);
  await project.partition('export_row_counts', '2026-01-05 07', [counts('voice_intents', 'hr=07', 1)]);
  await project.run();
  await using workspace = await project.open();
  expect(await emptyProofs(workspace.session)).toEqual([]);
  await workspace.session.run('DELETE FROM ops.counted_days');
  expect(await emptyProofs(workspace.session)).toMatchObject([{ proof: 'reconciliation', rows: 1 }]);
});
