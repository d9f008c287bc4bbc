import { expect, test } from 'vitest';
import { Project } from '../support/project.ts';
import { listing, oddServer } from '../support/s3-answers.ts';

const LINE = '{"issue_id":1,"company_name":"c"}\n';
const HOUR = 'version=1/format=jsonl/dt=2026-01-09/hr=07';

/** Keys as a listing writes them, with what they hold; a status stands for an answer without bytes. */
const BUCKET: [key: string, content: string | number][] = [
  ...['voice_intents', 'Voice_Intents', 'nul%00name', 'reps', '%zz'].flatMap(
    (feed): [string, string | number][] => [
      [`${feed}/${HOUR}/${feed}.jsonl`, LINE],
      [`${feed}/${HOUR}/_SUCCESS`, ''],
    ],
  ),
  [`reps/${HOUR}/reps.jsonl.01`, 403],
  [`reps/${HOUR}/reps.jsonl.02`, LINE],
  [`reps/${HOUR}/reps.jsonl.%zz`, LINE],
  [`reps/version=%00/format=jsonl/dt=2026-01-09/hr=07/reps.jsonl`, LINE],
];

/** Lists everything twice, as no server should, one level deep or all. */
function answer(question: URL) {
  const key = decodeURIComponent(question.pathname.replace(/^\/b\/?/, ''));
  if (key !== '') {
    const content = BUCKET.find(([written]) => written === key)?.[1] ?? 404;
    return typeof content === 'string'
      ? content
      : { status: content, body: '<Error><Code>AccessDenied</Code></Error>' };
  }
  const prefix = question.searchParams.get('prefix') ?? '';
  const below = BUCKET.filter(([written]) => written.startsWith(encodeURI(prefix).replaceAll('%25', '%')));
  if (!question.searchParams.has('delimiter'))
    return listing({
      keys: [...below, ...below].map(([written, content]) => ({
        key: written,
        size: String(typeof content === 'string' ? content.length : LINE.length),
      })),
    });
  const folders = below.map(([written]) => `${prefix}${written.slice(prefix.length).split('/')[0]}/`);
  return listing({ folders: [...folders, ...folders] });
}

test('a bucket with odd names, refused files and listings that repeat themselves is loaded but for those files', async () => {
  await using server = await oddServer(answer);
  await using project = await Project.create(`sources:
  messaging:
    connector: s3
    bucket: b
    endpoint: ${server.url}
    access_key_id: key-id
    secret_access_key: secret
`);
  const { loaded, attention } = await project.run();
  const failures = await project.loader<{ path: string; message: string }>(
    'SELECT path, message FROM ops.file_failures ORDER BY path',
  );
  expect(failures).toEqual([
    { path: `%zz/${HOUR}/%zz.jsonl`, message: expect.stringMatching(/listed without a key that can/) },
    { path: `reps/${HOUR}/reps.jsonl.01`, message: expect.stringMatching(/is denied$/) },
  ]);
  expect(loaded).toMatchObject({ failedSources: [], failedFeeds: [], files: 3, rows: 3 });
  expect(await project.loader('SELECT count(*) AS n FROM staging_messaging.voice_intents')).toEqual([
    { n: 1 },
  ]);
  expect(attention.map(({ kind }) => kind)).toContain('file_failed');
  expect(project.reporter.warnings.join('\n')).not.toMatch(/unexpected/);
});
