import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DebugCheck } from '../../src/audit/debug/check.ts';
import { asapp } from '../support/command.ts';
import { startFileExporter } from '../support/file-exporter-server.ts';
import type { FileExporterServer } from '../support/file-exporter-state.ts';
import { freePort } from '../support/ports.ts';
import { Project, partitionFolder } from '../support/project.ts';
import { OtherProcess } from '../support/reader.ts';
import { fingerprintOf, hasSshd, type Sshd, startSshd } from '../support/sshd.ts';

interface Debugged {
  exit: number | null;
  rows: DebugCheck[];
  stderr: string;
}

const SOURCE_STEPS = ['configuration', 'name', 'connection', 'credentials', 'list', 'file'];
const PROGRAM_STEPS = ['program', 'duckdb'];
const MACHINE_STEPS = [...PROGRAM_STEPS, 'warehouse', 'publish', 'landing', 'disk', 'modes'];

const LOCAL = { connector: 'local', path: './feeds', group: 'messaging', freshness: 'off' };
const ROW = { issue_id: 1, voice_intent_code: 'A' };

async function projectOf(sources: Record<string, object>, more: object = {}): Promise<Project> {
  // JSON is YAML.
  return Project.create(`${JSON.stringify({ ...more, sources })}\n`);
}

async function debug(project: Project, words: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Debugged> {
  const { exit, stdout, stderr } = await asapp(project, ['debug', '--output', 'json', ...words], { env });
  return { exit, rows: JSON.parse(stdout), stderr };
}

/** The steps of a subject and their states, in order. */
function states({ rows }: Debugged, source: string): [string, string][] {
  return rows.filter((row) => row.source === source).map(({ step, state }) => [step, state]);
}

function stepOf({ rows }: Debugged, source: string, step: string): DebugCheck {
  const found = rows.find((row) => row.source === source && row.step === step);
  return found ?? expect.fail(`there is no step ${step} of ${source}`);
}

/** All went well up to `failed`; nothing after it was tried. */
function failedAt(failed: string, steps = SOURCE_STEPS): [string, string][] {
  const at = steps.indexOf(failed);
  return steps.map((step, index) => [step, index < at ? 'ok' : index === at ? 'failed' : 'skipped']);
}

describe('debug', () => {
  it('says of each step what it found and how long it took, and changes nothing', async () => {
    await using project = await projectOf({ messaging: LOCAL });
    await project.partition('voice_intents', '2026-01-05 07', [ROW]);
    await project.partition('voice_intents', '2026-01-06 07', { '.gz': [ROW] });
    const before = await readdir(project.folder, { recursive: true });
    const done = await debug(project);
    expect(done.exit).toBe(0);
    expect(states(done, 'messaging')).toEqual([
      ['configuration', 'ok'],
      ['name', 'skipped'],
      ['connection', 'skipped'],
      ['credentials', 'ok'],
      ['list', 'ok'],
      ['file', 'ok'],
    ]);
    expect(states(done, '(machine)')).toEqual(MACHINE_STEPS.map((step) => [step, 'ok']));
    for (const { state, ms } of done.rows)
      expect(ms).toEqual(state === 'skipped' ? null : expect.any(Number));
    const newest = `${partitionFolder('voice_intents', '2026-01-06 07')}/voice_intents.jsonl.gz`;
    expect(stepOf(done, 'messaging', 'list').detail).toContain(
      `1 feed; the newest file looked at is ${newest}`,
    );
    expect(stepOf(done, 'messaging', 'file').detail).toMatch(
      /^\d+ bytes fetched, decompressed, its first line is a JSON object of 2 fields$/,
    );
    expect(stepOf(done, '(machine)', 'program').detail).toContain(`on Node ${process.versions.node}`);
    expect(stepOf(done, '(machine)', 'duckdb').detail).toMatch(/^DuckDB v\d+\.\d+\.\d+$/);
    expect(stepOf(done, '(machine)', 'disk').detail).toMatch(/^[\d.]+ [kMGTP]B free in /);
    expect(await readdir(project.folder, { recursive: true })).toEqual(before);
  });

  it('prints a table for people, and says on stderr what is wrong and what to do', async () => {
    await using project = await projectOf({ messaging: { ...LOCAL, path: './nowhere' } });
    const { exit, stdout, stderr } = await asapp(project, ['debug']);
    expect(exit).toBe(1);
    expect(stdout).toMatch(/^source +step +state +ms +detail +advice$/m);
    expect(stderr).toMatch(
      /warning: messaging: credentials failed: the folder \S+nowhere is not there +Correct `path` of this source/,
    );
  });

  it('tries the source that is named, and no other', async () => {
    await using project = await projectOf({ messaging: LOCAL, broken: { ...LOCAL, path: './nowhere' } });
    await project.partition('voice_intents', '2026-01-05 07', [ROW]);
    const one = await debug(project, ['--source', 'messaging']);
    expect(one.exit).toBe(0);
    expect(states(one, 'broken')).toEqual([]);
    const both = await debug(project);
    expect(both.exit).toBe(1);
    expect(stepOf(both, 'messaging', 'file').state).toBe('ok');
    const { exit, stderr } = await asapp(project, ['debug', '--source', 'nobody']);
    expect(exit).toBe(2);
    expect(stderr).toContain('there is no source named nobody');
  });

  it('says what is wrong in warehouse.yaml, and tries the sources that are right', async () => {
    const unset = { connector: 's3', bucket: 'asapp-x', region: 'us-east-1', access_key_id: `$\{NOT_SET}` };
    await using project = await projectOf({ messaging: LOCAL, typo: { ...LOCAL, pth: 'x' }, unset });
    await project.partition('voice_intents', '2026-01-05 07', [ROW]);
    const done = await debug(project);
    expect(done.exit).toBe(1);
    expect(states(done, 'typo')).toEqual([['configuration', 'failed']]);
    expect(
      states(done, 'unset').every(([step, state]) => step === 'configuration' && state === 'failed'),
    ).toBe(true);
    expect(stepOf(done, 'unset', 'configuration').detail).toContain('NOT_SET} is not set');
    expect(stepOf(done, 'typo', 'configuration')).toMatchObject({
      detail: expect.stringMatching(/^warehouse\.yaml:\d+: sources\.typo\.pth: /),
      advice: 'Correct it in warehouse.yaml; what depends on it was not tried.',
    });
    expect(stepOf(done, 'messaging', 'file').state).toBe('ok');
    expect((await debug(project, ['--source', 'messaging'])).exit).toBe(0);
  });

  it('looks at the machine where there is no warehouse.yaml, and says how to get one', async () => {
    await using project = await projectOf({});
    await rm(project.path('warehouse.yaml'));
    const done = await debug(project);
    expect(done.exit).toBe(1);
    expect(states(done, '(machine)')).toEqual([
      ['configuration', 'failed'],
      ...PROGRAM_STEPS.map((step) => [step, 'ok']),
    ]);
    expect(stepOf(done, '(machine)', 'configuration').advice).toContain('asapp-warehouse init');
  });

  it.each([
    ['no feeds', {}, 'list', /^there are no feeds in /, /prefix, root or path/],
    [
      'another line than JSON',
      { '': ['not JSON'] },
      'file',
      /^the first line of .* is not a JSON/,
      /rejected/,
    ],
    [
      'what is not gzip',
      { '.gz': Buffer.from('plain') },
      'file',
      /jsonl\.gz does not decompress/,
      /export it again/,
    ],
    [
      'what is encrypted, and there is no key',
      { '.enc': Buffer.from('secret') },
      'file',
      /is encrypted, and no key is configured/,
      /^Set decrypt of this source/,
    ],
  ])('fails on %s', async (_, files, step, detail, advice) => {
    await using project = await projectOf({ messaging: LOCAL });
    if (step === 'file') await project.partition('voice_intents', '2026-01-05 07', files);
    const done = await debug(project);
    expect(done.exit).toBe(1);
    const failed = done.rows.filter(({ state }) => state === 'failed');
    expect(failed.map((row) => row.step)).toEqual([step]);
    expect(failed[0]?.detail).toMatch(detail);
    expect(failed[0]?.advice).toMatch(advice);
  });

  it('fails on configured feeds that are not there, and names them', async () => {
    await using project = await projectOf({
      messaging: { ...LOCAL, feeds: ['voice_intents', 'queue_check_ins'] },
    });
    await project.partition('voice_intents', '2026-01-05 07', [ROW]);
    const { detail, state } = stepOf(await debug(project), 'messaging', 'list');
    expect(state).toBe('failed');
    expect(detail).toMatch(/^there is no feed queue_check_ins in /);
  });

  it('says whether the warehouse is there, and who holds it', async () => {
    await using project = await projectOf({ messaging: LOCAL });
    await project.partition('voice_intents', '2026-01-05 07', [ROW]);
    expect(stepOf(await debug(project), '(machine)', 'warehouse').detail).toMatch(/^not there yet: /);
    expect((await asapp(project, ['load'])).exit).toBe(0);
    expect(stepOf(await debug(project), '(machine)', 'warehouse').detail).toMatch(/; nobody holds it$/);
    await using other = await OtherProcess.open(project.path('warehouse.duckdb'), 'READ_WRITE');
    const held = await debug(project);
    expect(stepOf(held, '(machine)', 'warehouse').detail).toMatch(
      new RegExp(`; in use: .*process ${other.pid}\\b`),
    );
    expect(held.exit).toBe(0);
  });

  it('fails on a damaged warehouse, and on a copy that cannot be made', async () => {
    await using project = await projectOf({ messaging: LOCAL }, { publish: './taken/warehouse.duckdb' });
    await project.partition('voice_intents', '2026-01-05 07', [ROW]);
    await project.write('warehouse.duckdb', 'not a database');
    await project.write('taken', '');
    const done = await debug(project);
    expect(done.exit).toBe(1);
    expect(stepOf(done, '(machine)', 'warehouse')).toMatchObject({
      state: 'failed',
      advice: expect.stringMatching(/./),
    });
    expect(stepOf(done, '(machine)', 'publish')).toMatchObject({
      state: 'failed',
      detail: expect.stringContaining('taken is a file, not a folder'),
    });
  });

  // Its file systems of the kernel have no room at all.
  it.runIf(process.platform === 'linux')('fails where there is no free space', async () => {
    await using project = await projectOf({ messaging: LOCAL }, { landing: '/proc/landing' });
    await project.partition('voice_intents', '2026-01-05 07', [ROW]);
    const done = await debug(project);
    expect(done.exit).toBe(1);
    expect(stepOf(done, '(machine)', 'disk')).toMatchObject({
      state: 'failed',
      detail: expect.stringMatching(/ 0 B free in \/proc; a run may need 1\.07 GB in \/proc$/),
      advice: expect.stringContaining('Free some space'),
    });
  });
});

describe.skipIf(!hasSshd)('debug over SFTP', () => {
  let sshd: Sshd;
  let project: Project;
  const source = (more: object = {}) => ({
    connector: 'sftp',
    host: '127.0.0.1',
    port: sshd.port,
    username: sshd.username,
    private_key: sshd.keys.ed25519,
    host_key: fingerprintOf(sshd.hostKeys.ed25519),
    root: sshd.data,
    ...more,
  });

  beforeAll(async () => {
    sshd = await startSshd();
    await mkdir(join(sshd.folder, 'empty'));
    const closed = await freePort();
    project = await projectOf({
      messaging: source({ host: 'localhost' }),
      no_name: source({ host: 'nobody.invalid' }),
      no_server: source({ host: 'localhost', port: closed }),
      unknown_key: source({ host: 'localhost', host_key: `SHA256:${'A'.repeat(43)}` }),
      no_root: source({ host: 'localhost', root: '/nowhere' }),
      no_feeds: source({ host: 'localhost', root: join(sshd.folder, 'empty') }),
      damaged: source({ host: 'localhost', root: join(sshd.folder, 'damaged') }),
    });
    const folder = relative(project.folder, sshd.data);
    await project.partition('voice_intents', '2026-01-05 07', [ROW], { root: folder });
    const damaged = { '.gz': Buffer.from('no gzip') };
    await project.partition('voice_intents', '2026-01-05 07', damaged, { root: join(folder, '../damaged') });
  });
  afterAll(async () => {
    await sshd?.stop();
    await project?.[Symbol.asyncDispose]();
  });

  it('takes every step', async () => {
    const done = await debug(project, ['--source', 'messaging']);
    expect(done.exit).toBe(0);
    expect(states(done, 'messaging')).toEqual(SOURCE_STEPS.map((step) => [step, 'ok']));
    expect(stepOf(done, 'messaging', 'name').detail).toContain('127.0.0.1');
    expect(stepOf(done, 'messaging', 'connection').detail).toBe(`localhost:${sshd.port} is reached`);
  });

  it.each([
    ['no_name', 'name', /^the name nobody\.invalid does not resolve/, /^Correct the name/],
    ['no_server', 'connection', /^no connection to localhost:\d+: .*ECONNREFUSED/, /^Look at host and port/],
    ['unknown_key', 'credentials', /^the host key of \S+ is ssh-\S+ SHA256:/, /host_key: "SHA256:/],
    ['no_root', 'credentials', /^there is no folder \/nowhere on localhost$/, /^Set root/],
    ['no_feeds', 'list', /^there are no feeds in sftp:/, /prefix, root or path/],
    ['damaged', 'file', /jsonl\.gz does not decompress/, /export it again/],
  ])('of the source %s stops at the step %s', async (name, step, detail, advice) => {
    const done = await debug(project, ['--source', name]);
    expect(done.exit).toBe(1);
    expect(states(done, name)).toEqual(failedAt(step));
    const failed = stepOf(done, name, step);
    expect(failed.detail).toMatch(detail);
    expect(failed.advice).toMatch(advice);
  });
});

describe('debug of File Exporter', () => {
  let exporter: FileExporterServer;
  let project: Project;
  const STEPS = [...SOURCE_STEPS, 'health'];

  beforeAll(async () => {
    exporter = await startFileExporter();
    const api = { connector: 'file-exporter', base_url: exporter.url, api_id: exporter.apiId };
    project = await projectOf({
      ai_services: { ...api, api_secret: exporter.apiSecret },
      stranger: { ...api, api_secret: 'another-secret' },
    });
    await project.write('ca.pem', exporter.certificate);
    const folder = partitionFolder('utterances', '2026-01-05 07');
    exporter.put(`${folder}/utterances.jsonl`, Buffer.from('{"a": 1, "b": 2}\n'));
  });
  afterAll(async () => {
    await exporter?.stop();
    await project?.[Symbol.asyncDispose]();
  });

  const ask = (name: string, env: NodeJS.ProcessEnv = { NODE_EXTRA_CA_CERTS: project.path('ca.pem') }) =>
    debug(project, ['--source', name], env);

  it('also asks the API for its health', async () => {
    const done = await ask('ai_services');
    expect(done.exit).toBe(0);
    // Its host is an address here.
    expect(states(done, 'ai_services')).toEqual(
      STEPS.map((step) => [step, step === 'name' ? 'skipped' : 'ok']),
    );
    expect(stepOf(done, 'ai_services', 'health').detail).toBe('it says SUCCESS');
    expect(stepOf(done, 'ai_services', 'connection').detail).toContain('its certificate is trusted');
  });

  it('fails when the API says that it is not well', async () => {
    exporter.health = 'FAILED';
    const done = await ask('ai_services');
    exporter.health = 'SUCCESS';
    expect(done.exit).toBe(1);
    expect(stepOf(done, 'ai_services', 'health')).toMatchObject({
      state: 'failed',
      detail: 'it says FAILED',
      advice: 'Try again later, and ask ASAPP when it stays so.',
    });
  });

  it('does not fail when the credentials may not ask for its health', async () => {
    exporter.fail({ path: /^\/v1\/health$/, status: 403 });
    const done = await ask('ai_services');
    expect(done.exit).toBe(0);
    expect(stepOf(done, 'ai_services', 'health')).toMatchObject({
      state: 'skipped',
      detail: expect.stringMatching(/may not ask, which does not matter to the feeds: .*403/),
    });
  });

  it('fails when the credentials are refused, and when the certificate is not trusted', async () => {
    const stranger = await ask('stranger');
    expect(stranger.exit).toBe(1);
    expect(stepOf(stranger, 'stranger', 'credentials')).toMatchObject({
      state: 'failed',
      detail: expect.stringContaining('answered 401: Unauthorized'),
      advice: expect.stringContaining('Check api_id and api_secret'),
    });
    const untrusted = await ask('ai_services', {});
    expect(untrusted.exit).toBe(1);
    expect(stepOf(untrusted, 'ai_services', 'connection')).toMatchObject({
      state: 'failed',
      advice: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });
    expect(exporter.complaints).toEqual([]);
  });
});
