import { mkdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { attentionOf } from '../../../src/run/attention/attention.ts';
import { Project, said } from '../../support/project.ts';

const CONFIG = `sources:
  archive: {connector: local, path: archive, group: messaging}
  messaging: {connector: local, path: feeds}
`;

/** What whoever looks at the warehouse between two runs is told. */
async function standing(project: Project): Promise<string[]> {
  await using workspace = await project.open();
  const { session, config } = workspace;
  return said(await attentionOf({ session, config, now: project.now }));
}

test('a source that failed stays reported, also by commands that do not try it, until it is read again', async () => {
  await using project = await Project.create(CONFIG);
  await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
  const failed = await project.run();
  expect(failed).toMatchObject({ exitCode: 1, published: true });
  expect(failed.attention).toEqual([
    {
      kind: 'source_failed',
      severity: 'failed',
      source: 'archive',
      message: expect.stringMatching(/^source archive: the folder .*archive is not there$/),
      hint: expect.any(String),
    },
  ]);
  expect(await standing(project)).toEqual(said(failed.attention));
  // Nothing that this one tried has failed: a person should look, is all it says.
  expect(await project.build()).toMatchObject({ exitCode: 3, attention: failed.attention });
  expect(await project.load({ source: ['messaging'] })).toMatchObject({ exitCode: 3 });
  expect(await project.run()).toMatchObject({ exitCode: 1, attention: failed.attention });
  expect(await project.loader('SELECT kind, name, attempts, resolved_at FROM ops.failures')).toEqual([
    { kind: 'source', name: 'archive', attempts: 2, resolved_at: null },
  ]);

  await mkdir(project.path('archive'));
  expect(await project.run()).toMatchObject({ exitCode: 0, attention: [] });
  expect(await standing(project)).toEqual([]);
});

test('a source that is taken out of the configuration is no longer reported', async () => {
  await using project = await Project.create(CONFIG);
  await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
  expect(await project.run()).toMatchObject({ exitCode: 1 });
  await project.write('warehouse.yaml', CONFIG.replace(/.*archive.*\n/, ''));
  expect(await project.run()).toMatchObject({ exitCode: 0, attention: [] });
});

test('a run that was killed is reported until the next one', async () => {
  await using project = await Project.create();
  await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
  await project.run();
  {
    await using workspace = await project.open();
    await workspace.session.run(
      "UPDATE ops.runs SET status = 'running', finished_at = NULL, exit_code = NULL",
    );
  }
  expect(await standing(project)).toEqual(['the last run, run 1, was killed']);
  expect(await project.run()).toMatchObject({ exitCode: 0, attention: [] });
  expect(await standing(project)).toEqual([]);
});

test('a dry run reports a source that fails, and exits with 1', async () => {
  await using project = await Project.create(CONFIG);
  await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
  const { exitCode, attention } = await project.load({ dryRun: true });
  expect({ exitCode, kinds: attention.map(({ kind }) => kind) }).toEqual({
    exitCode: 1,
    kinds: ['source_failed'],
  });
});
