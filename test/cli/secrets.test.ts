// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of warehouse.yaml, not of this file
import { spawn } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROGRAM } from '../support/build.ts';
import { startFileExporter } from '../support/file-exporter-server.ts';
import type { FileExporterServer } from '../support/file-exporter-state.ts';
import { Gpg, type GpgKey, hasGpg } from '../support/gpg.ts';
import { Project, partitionFolder, reading } from '../support/project.ts';
import { type S3Server, startS3 } from '../support/s3-server.ts';
import { fingerprintOf, hasSshd, PASSPHRASE, type Sshd, startSshd } from '../support/sshd.ts';

/** Secrets that open nothing, with what has to be spelled in another way in URLs and JSON. */
const WRONG = {
  S3_ID: 'WRONGKEYID1',
  S3_SECRET: 'wr0ng/S3+secret="x"',
  SSH_PASSPHRASE: 'wr0ng ssh passphrase',
  API_ID: 'wr0ng-api-id',
  API_SECRET: 'wr0ng/api+secret',
  GPG_PASSPHRASE: 'wr0ng gpg/passphrase',
};
/** What a vendor's file holds. */
const IMPORTED = { ID: 'AKIAIMPORTEDEXAMPLE1', SECRET: 'imp0rted/Secret+Access/KeyExample' };

/** Each way that a secret could be written in. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const url = encodeURIComponent(secret);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    url,
    url.toLowerCase(),
    url.replaceAll('%20', '+'),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
}

describe.skipIf(!hasGpg || !hasSshd)('secrets', () => {
  let s3: S3Server;
  let sshd: Sshd;
  let exporter: FileExporterServer;
  let gpg: Gpg;
  let key: GpgKey;
  let project: Project;
  let secrets: Record<string, string>;
  /** Everything that any command has said, and which one it was. */
  const said: { by: string; text: string }[] = [];

  beforeAll(async () => {
    [s3, sshd, exporter] = await Promise.all([startS3(), startSshd(), startFileExporter()]);
    gpg = new Gpg();
    key = gpg.createKey('cv25519', 'right gpg/passphrase');
    secrets = {
      S3_ID: s3.accessKeyId,
      S3_SECRET: s3.secretAccessKey,
      SSH_PASSPHRASE: PASSPHRASE,
      API_ID: exporter.apiId,
      API_SECRET: exporter.apiSecret,
      GPG_PASSPHRASE: key.passphrase,
      ...Object.fromEntries(Object.entries(WRONG).map(([name, value]) => [`WRONG_${name}`, value])),
    };
    project = await Project.create(await configuration());
    await project.write(
      '.env',
      Object.entries(secrets)
        .map(([name, value]) => `${name}='${value}'\n`)
        .join(''),
    );
    await project.write('ca.pem', exporter.certificate);
    await project.write('key.asc', gpg.exportKey(key));
    await project.write('vendor.txt', `${IMPORTED.ID}\t${IMPORTED.SECRET}\tsome-bucket\n`);
    await project.write('vendor.gpg', gpg.encrypt(`${IMPORTED.ID}\t${IMPORTED.SECRET}\tsome-bucket\n`, key));
    await project.write('broken.txt', `${IMPORTED.SECRET}\t${IMPORTED.ID}\n`);
    await deliver();
  });

  afterAll(async () => {
    gpg?.[Symbol.dispose]();
    await Promise.all([s3?.stop(), sshd?.stop(), exporter?.stop(), project?.[Symbol.asyncDispose]()]);
  });

  /** Every kind of source twice: with secrets that are right, and with ones that are not. */
  async function configuration(): Promise<string> {
    await s3.createBucket('asapp-secrets');
    const source = (name: string, keys: Record<string, string>) =>
      [`  ${name}:`, ...Object.entries(keys).map(([each, value]) => `    ${each}: ${value}`), ''].join('\n');
    const place = { connector: 's3', bucket: 'asapp-secrets', region: s3.region, endpoint: s3.endpoint };
    const host = { connector: 'sftp', host: '127.0.0.1', port: String(sshd.port), username: sshd.username };
    const login = {
      ...host,
      private_key: sshd.keys.encrypted,
      root: sshd.data,
      host_key: fingerprintOf(sshd.hostKeys.ed25519),
    };
    const api = { connector: 'file-exporter', base_url: exporter.url };
    const disk = { connector: 'local', path: './feeds', group: 'messaging' };
    const openpgp = (passphrase: string) =>
      `{openpgp: {private_key: ./key.asc, passphrase: "\${${passphrase}}"}}`;
    const tells = 'console.error(process.argv[1]); process.exit(1)';
    return [
      'max_rejected_rows: 100',
      'models: ./models',
      'sources:',
      source('s3', { ...place, access_key_id: '${S3_ID}', secret_access_key: '${S3_SECRET}' }),
      source('s3_id', { ...place, access_key_id: '${WRONG_S3_ID}', secret_access_key: '${WRONG_S3_SECRET}' }),
      source('s3_wrong', { ...place, access_key_id: '${S3_ID}', secret_access_key: '${WRONG_S3_SECRET}' }),
      source('sftp', { ...login, passphrase: '${SSH_PASSPHRASE}' }),
      source('sftp_wrong', { ...login, passphrase: '${WRONG_SSH_PASSPHRASE}' }),
      source('api', { ...api, api_id: '${API_ID}', api_secret: '${API_SECRET}' }),
      source('api_wrong', { ...api, api_id: '${WRONG_API_ID}', api_secret: '${WRONG_API_SECRET}' }),
      source('gpg', { ...disk, decrypt: openpgp('GPG_PASSPHRASE') }),
      source('gpg_wrong', { ...disk, path: './feeds2', decrypt: openpgp('WRONG_GPG_PASSPHRASE') }),
      source('program', {
        ...disk,
        path: './feeds2',
        decrypt: JSON.stringify({
          command: [process.execPath, '-e', tells, '--', '${WRONG_GPG_PASSPHRASE}'],
        }),
      }),
      '',
    ].join('\n');
  }

  async function deliver(): Promise<void> {
    const line = Buffer.from('{"issue_id": 1, "voice_intent_code": "A"}\nbroken\n');
    const sealed = gpg.encrypt(line, key);
    const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    await project.partition('voice_intents', `${day} 01`, { '.enc': sealed });
    await project.partition('voice_intents', `${day} 02`, { '.enc': sealed }, { root: 'feeds2' });
    const folder = (hour: string) => partitionFolder('voice_intents', `${day} ${hour}`);
    exporter.put(`${folder('03')}/file1.jsonl`, line);
    await project.write(relative(project.folder, join(sshd.data, folder('04'), 'voice_intents.jsonl')), line);
    await project.write(relative(project.folder, join(sshd.data, folder('04'), '_SUCCESS')), '');
    await project.write(
      'models/own/failing.sql',
      "select cast('no number' as integer) as n from {{ source('messaging', 'voice_intents') }}\n",
    );
  }

  /** Calls a command, and keeps what it says. */
  async function call(
    words: string[],
    { until, env = {} }: { until?: RegExp; env?: NodeJS.ProcessEnv } = {},
  ): Promise<number | null> {
    const child = spawn(process.execPath, [PROGRAM, ...words], {
      cwd: project.folder,
      env: {
        PATH: process.env.PATH,
        HOME: project.folder,
        DEBUG: 'asapp-warehouse',
        NODE_EXTRA_CA_CERTS: project.path('ca.pem'),
        API_SECRET: exporter.apiSecret,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        text += chunk;
        if (until?.test(text)) child.kill('SIGTERM');
      });
    const exit = await new Promise<number | null>((resolve) => child.once('close', resolve));
    said.push({ by: words.join(' '), text });
    return exit;
  }

  function leaksIn(text: string): string[] {
    const names = Object.entries({ ...secrets, ...IMPORTED, ...signatures() });
    return names
      .filter(([, value]) => spellings(value).some((each) => text.includes(each)))
      .map(([name]) => name);
  }

  /** What the links of File Exporter are signed with. */
  function signatures(): Record<string, string> {
    const values = exporter.links.map((link) => new URL(link).searchParams.get('X-Amz-Signature') ?? link);
    return Object.fromEntries(values.map((value, index) => [`link ${index}`, value]));
  }

  /** Every command, as its help lists them, and how it is called. Those that change something come first, in order. */
  const CALLS: Record<string, string[][]> = {
    init: [['init', '--config', 'fresh.yaml']],
    debug: [['debug'], ['debug', '--output', 'json', '--log-format', 'json', '--source', 's3_wrong']],
    run: [['run', '--dry-run'], ['run', '--log-format', 'json'], ['run']],
    load: [['load', '--full-refresh', '--log-format', 'json']],
    build: [
      ['build', '--full-refresh'],
      ['build', '--dry-run', '--log-format', 'json'],
    ],
    'rejects list': [['rejects', 'list', '--output', 'csv']],
    'rejects show': [['rejects', 'show', '1', '2']],
    'rejects replay': [['rejects', 'replay']],
    'rejects discard': [['rejects', 'discard', '--all']],
    'schema diff': [['schema', 'diff', '--log-format', 'json']],
    'schema apply': [
      ['schema', 'apply', '--dry-run'],
      ['schema', 'apply'],
    ],
    'schema history': [['schema', 'history']],
    'schema accept': [['schema', 'accept', '1']],
    'docs generate': [['docs', 'generate']],
    status: [['status', '--output', 'json']],
    compile: [['compile'], ['compile', 'own.failing']],
    test: [['test', '--log-format', 'json']],
    ls: [['ls']],
    verify: [['verify']],
    why: [['why', 'messaging.voice_intents', 'issue_id=1']],
    query: [
      ['query', 'FROM ops.file_failures'],
      ['query', 'FROM ops.model_runs', '--output', 'json'],
    ],
    describe: [['describe', 'voice_intents']],
    shell: [['shell']],
    'credentials import': [
      ['credentials', 'import', 'vendor.txt', '--source', 's3', '--dry-run'],
      ['credentials', 'import', 'broken.txt', '--log-format', 'json'],
      [
        'credentials',
        'import',
        'vendor.gpg',
        '--private-key',
        'key.asc',
        '--source',
        'new',
        '--output',
        'json',
      ],
    ],
  };

  /** The commands that the program says it has. */
  async function commands(): Promise<string[]> {
    const of = async (words: string[]): Promise<string[]> => {
      await call([...words, '--help'], { env: { COLUMNS: '200' } });
      const listed = /\nCommands:\n([\s\S]*)/.exec(said.at(-1)?.text ?? '')?.[1] ?? '';
      const names = [...listed.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name as string);
      return names.filter((name) => name !== 'help');
    };
    const found: string[] = [];
    for (const name of await of([])) {
      const below = await of([name]);
      found.push(...(below.length > 0 ? below.map((each) => `${name} ${each}`) : [name]));
    }
    return found;
  }

  it('are not in anything that any command says or writes', { timeout: 300_000 }, async () => {
    expect([...Object.keys(CALLS), 'schedule'].sort()).toEqual((await commands()).sort());
    for (const calls of Object.values(CALLS)) for (const words of calls) await call(words);
    await call(['schedule', '--cron', '* * * * * *'], { until: /run ended with/ });
    // What was to be tried was tried.
    const text = said.map((each) => each.text).join('\n');
    for (const sign of [
      'the access key ID is not known',
      'the secret access key does not belong',
      'the passphrase does not open the private key',
      '401',
      'own.failing failed: ',
      'ended with exit code 1: ',
    ])
      expect(text).toContain(sign);
    expect(await project.loader('SELECT DISTINCT source FROM ops.files ORDER BY 1')).toEqual([
      { source: 'api' },
      { source: 'gpg' },
      { source: 'sftp' },
    ]);

    const leaks = said.flatMap((each) => leaksIn(each.text).map((name) => `${each.by}: ${name}`));
    for (const file of ['warehouse.duckdb', 'published/warehouse.duckdb'])
      for (const [table, rows] of await tables(project.path(file)))
        leaks.push(...leaksIn(rows).map((name) => `${file} ${table}: ${name}`));
    for (const [file, bytes] of await filesWritten())
      leaks.push(...leaksIn(`${file}\n${bytes}`).map((name) => `${file}: ${name}`));
    expect(leaks).toEqual([]);
  });

  it.each([
    [
      'an error that nobody caught',
      'setTimeout(() => { throw new Error(process.env.MARK) }, 1500)',
      '    at ',
    ],
    [
      'a promise that nobody waited for',
      'setTimeout(() => Promise.reject(new Error(process.env.MARK)), 1500)',
      '    at ',
    ],
    ['what is no error', 'setTimeout(() => { throw { secret: process.env.MARK } }, 1500)', '[object Object]'],
  ])('are not in %s', async (_, script, shown) => {
    const options = `--import data:text/javascript,${encodeURIComponent(script)}`;
    const env = { NODE_OPTIONS: options, MARK: `so: ${secrets.API_SECRET} ${WRONG.S3_SECRET}` };
    expect(await call(['schedule', '--cron', '0 0 1 1 *'], { env })).toBe(1);
    const { text } = said.at(-1) as { text: string };
    expect(text).toContain('unexpected: ');
    expect(text).toContain(shown);
    expect(leaksIn(text)).toEqual([]);
  });

  it('are given to no model', async () => {
    await project.write('models/own/told.sql', "select '{{ env_var('API_SECRET', 'none') }}' as n\n");
    expect(await call(['build'])).toBe(1);
    const { text } = said.at(-1) as { text: string };
    expect(text).toContain(
      'models/own/told.sql:1: the environment variable API_SECRET is a secret of warehouse.yaml',
    );
    expect(leaksIn(text)).toEqual([]);
    await rm(project.path('models/own/told.sql'));
  });

  it('are not in the problems of a wrong configuration', { timeout: 120_000 }, async () => {
    const yaml = await readFile(project.path('warehouse.yaml'), 'utf8');
    const wrong = [
      yaml.replaceAll('secret_access_key:', 'secret_acces_key:'),
      yaml.replaceAll('"${GPG_PASSPHRASE}"', '["${GPG_PASSPHRASE}"]'),
      yaml.replaceAll(/decrypt: .*/g, 'decrypt: ${GPG_PASSPHRASE}'),
      yaml.replaceAll(/port: .*/g, 'port: ${SSH_PASSPHRASE}'),
      yaml.replaceAll(/base_url: .*/g, 'base_url: https://x:${API_SECRET}@127.0.0.1'),
      yaml.replaceAll('${API_ID}', '${API_SECRET} ${NOT_SET}'),
      yaml.replaceAll('./key.asc', `"${(await readFile(project.path('key.asc'))).toString('base64')}"`),
      yaml.replaceAll('connector: sftp', 'connector: ${S3_SECRET}'),
      `${yaml}: [\n`,
    ];
    for (const [index, text] of wrong.entries()) {
      await writeFile(project.path(`wrong${index}.yaml`), text);
      for (const format of ['text', 'json'])
        await call(['load', '--config', `wrong${index}.yaml`, '--log-format', format]);
      await call(['debug', '--config', `wrong${index}.yaml`]);
      for (const each of said.slice(-3)) expect(leaksIn(each.text), `${each.by}: ${each.text}`).toEqual([]);
      await rm(project.path(`wrong${index}.yaml`));
    }
  });

  /** All rows of all tables and the SQL of all views, as text. */
  async function tables(file: string): Promise<[string, string][]> {
    return reading(file, async (session) => {
      const found = await session.rows<{ name: string }>(
        `SELECT format('"{}"."{}"', table_schema, table_name) AS name FROM information_schema.tables
         UNION ALL SELECT 'duckdb_views()' WHERE ${file.includes('published')}`,
      );
      return Promise.all(
        found.map(async ({ name }): Promise<[string, string]> => {
          const rows = await session.rows(`SELECT to_json(t)::VARCHAR AS row FROM ${name} AS t`);
          return [name, rows.map(({ row }) => row).join('\n')];
        }),
      );
    });
  }

  /** What commands have left in the project, but for the places that secrets belong in. */
  async function filesWritten(): Promise<[string, string][]> {
    const belong = /^(\.env|key\.asc|vendor\.(txt|gpg)|broken\.txt)$/;
    const entries = await readdir(project.folder, { recursive: true, withFileTypes: true });
    return Promise.all(
      entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => !belong.test(relative(project.folder, path)))
        .map(
          async (path): Promise<[string, string]> => [
            relative(project.folder, path),
            await readFile(path, 'latin1'),
          ],
        ),
    );
  }
});
