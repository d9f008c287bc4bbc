import { expect, test } from 'vitest';
import { asapp } from '../support/command.ts';
import { Project } from '../support/project.ts';
import { startS3 } from '../support/s3-server.ts';

/** The connector's own tests run its source; this one runs what users get. */
test('the compiled program loads each file of an S3 bucket, and only once', { timeout: 60_000 }, async () => {
  const server = await startS3();
  try {
    const bucket = await server.createBucket('asapp-test-acme');
    await using project = await Project.create(`sources:
  messaging:
    connector: s3
    bucket: asapp-test-acme
    prefix: exports/
    region: ${server.region}
    endpoint: ${server.endpoint}
    access_key_id: ${server.accessKeyId}
    secret_access_key: ${server.secretAccessKey}
`);
    const hour = 'exports/voice_intents/version=1/format=jsonl/dt=2026-01-05/hr=07';
    await bucket.put(`${hour}/voice_intents.jsonl`, Buffer.from('{"issue_id":1}\n{"issue_id":2}\n'));
    await bucket.put(`${hour}/_SUCCESS`, Buffer.alloc(0));
    const first = await asapp(project, ['run']);
    expect(first.stderr).toMatch(
      /loaded 1 file \(30 B\), 2 rows staged, 0 rejected; built 1 model; ran 3 tests; published/,
    );
    expect(first.exit).toBe(0);
    expect(await project.published('SELECT issue_id FROM messaging.voice_intents ORDER BY 1')).toEqual([
      { issue_id: 1 },
      { issue_id: 2 },
    ]);
    expect((await asapp(project, ['run'])).stderr).toMatch(/nothing new to load/);
  } finally {
    await server.stop();
  }
});
