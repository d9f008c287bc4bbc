import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Warehouse } from '../../src/warehouse/warehouse.ts';
import { asapp, type Ended } from '../support/command.ts';
import { Project } from '../support/project.ts';
import { OtherProcess } from '../support/reader.ts';

const FEED = 'voice_intents';

/** Hours of a feed, the newest of them a little while ago: nothing is late or missing. */
async function deliver(project: Project, ...hoursAgo: number[]): Promise<void> {
  for (const ago of hoursAgo) {
    const time = new Date(Date.now() - ago * 3_600_000).toISOString().slice(0, 13).replace('T', ' ');
    await project.partition(FEED, time, [
      {
        issue_id: 1,
        voice_intent_code: `V${ago}`,
        instance_ts: new Date(0).toISOString(),
        company_name: 'acme',
      },
      {
        issue_id: 9007199254740993n.toString(),
        voice_intent_code: 'Ünïcödé, "quoted"',
        company_name: 'acme',
      },
    ]);
  }
}

/** Loaded and published. Tests only read it. */
let loaded: Project;
let firstRun: Ended;
/** Never loaded. Tests only read it. */
let fresh: Project;

beforeAll(async () => {
  loaded = await Project.create();
  fresh = await Project.create();
  await deliver(loaded, 1, 2, 3);
  await deliver(fresh, 1, 2);
  firstRun = await asapp(loaded, ['run']);
});
afterAll(async () => {
  await loaded[Symbol.asyncDispose]();
  await fresh[Symbol.asyncDispose]();
});

async function snapshot(project: Project): Promise<string[]> {
  const entries = await readdir(project.folder, { recursive: true, withFileTypes: true });
  const files = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const bytes = entry.isFile()
      ? createHash('sha256')
          .update(await readFile(path))
          .digest('hex')
      : '';
    return `${path} ${(await stat(path)).mtimeMs} ${bytes}`;
  });
  return (await Promise.all(files)).sort();
}

describe('a mistake in what was typed', () => {
  test.each<[string[], RegExp]>([
    [['lod'], /unknown command 'lod'\s+\(Did you mean load\?\)/],
    [['run', 'now'], /too many arguments/],
    [['load', '--soruce', 'messaging'], /unknown option '--soruce'\s+\(Did you mean --source\?\)/],
    [
      ['load', '--since', 'yesterday'],
      /--since.*'yesterday'.*is not a day of the calendar, written like 2026-01-31/,
    ],
    ...['2026-02-30', '2026-13-01', '2026-00-10', '2026-01-00', '2026-1-5', '0026-01-05x', ''].map(
      (text): [string[], RegExp] => [
        ['load', '--since', text],
        new RegExp(`^error: .*--since.*'${text}' is invalid\\. It is not a day.*\\n.*\\n$`),
      ],
    ),
    [['load', '--until', '2026-13-01'], /'2026-13-01'.*is not a day/],
    [['schema', 'diff', '--from', '2026-13-01'], /'2026-13-01'.*is not a day/],
    [['verify', '--sample', '0'], /'0'.*is not a whole number/],
    // commander would take the last without a word.
    [['load', '--since', '2026-01-01', '--since', '2026-01-02'], /--since <day>' was given twice/],
    [['status', '--config', 'a.yaml', '--config', 'b.yaml'], /--config <file>' was given twice/],
    [['load', '--feed', 'voice_intents', '--feed', 'voice_intent'], /voice_intent\b[\s\S]*voice_intents/],
    [['load', '--feed', 'messaging.voice_intent'], /did you mean voice_intents/],
    [['load', '--source', 'messaging', '--source', 'messagin'], /there is no source named messagin\b/],
    [['load', '--source', 'messagin'], /there is no source named messagin\b[\s\S]*messaging/],
    [['load', '--feed', 'voice_intent'], /voice_intent\b[\s\S]*voice_intents/],
    [['build', '--select', 'convo_metrics'], /convo_metrics matches nothing.*did you mean "?convos_metrics/],
    [['load', '--since', '2026-01-09', '--until', '2026-01-01'], /--since is after --until/],
    [['query', ' '], /there is no SQL to run/],
    [['compile', 'convos_metric'], /convos_metric.*did you mean "?convos_metrics/],
    [['query'], /there is no SQL to run/],
    [
      ['query', '--output', 'xml', 'SELECT 1'],
      /'xml' is invalid. Allowed choices are table, json, csv, parquet, xlsx/,
    ],
    [['status', '--log-format', 'yaml'], /'yaml' is invalid. Allowed choices are text, json/],
    [['query', 'SELEC 1'], /syntax error at or near "SELEC"[\s\S]*did you mean SELECT/],
    [['query', 'SELECT 1; SELECT 2'], /there are 2 statements, and a query is one/],
    [['query', '--file', 'no.sql'], /no\.sql cannot be read: there is no such file/],
    [['query', '--to', 'out.xyz', 'SELECT 1'], /out\.xyz does not tell in which format/],
    [['query', '--to', 'published', '--output', 'csv', 'SELECT 1'], /published is there, and is no file/],
    [['query', "COPY (SELECT 1) TO 'warehouse.yaml'"], /COPY is refused[\s\S]*--to FILE/],
    [['query', '--allow-files', "ATTACH 'warehouse.duckdb' (READ_WRITE)"], /ATTACH is refused/],
    [['describe', 'voice_intent'], /no table "voice_intent" \(did you mean "messaging\.voice_intents"/],
    [['query', 'FROM messaging.voice_intent'], /voice_intent does not exist![\s\S]*voice_intents/],
    [
      ['run', '--config', 'nowhere.yaml'],
      /nowhere\.yaml: .*there is no such file[\s\S]*asapp-warehouse init/,
    ],
    [['init'], /warehouse\.yaml is there already, and is not written over/],
  ])('ends with exit code 2, says what was meant and changes nothing: %j', async (words, message) => {
    const before = await snapshot(loaded);
    const { exit, stdout, stderr } = await asapp(loaded, words);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(await snapshot(loaded)).toEqual(before);
  });

  test('in the configuration is reported together with the others, each with its line', async () => {
    await using project = await Project.create(`warehose: x.duckdb
look_back_days: many
sources:
  messaging:
    connector: locale
  archive:
    connector: local
    path: ./feeds
    feeds: []
`);
    const { exit, stderr } = await asapp(project, ['run']);
    expect(exit).toBe(2);
    expect(stderr).toMatch(/the configuration has 4 problems:/);
    expect(stderr).toMatch(/warehouse\.yaml:1: warehose: .*did you mean warehouse\?/);
    expect(stderr).toMatch(/warehouse\.yaml:2: look_back_days: /);
    expect(stderr).toMatch(/warehouse\.yaml:5: sources\.messaging\.connector: .*did you mean local\?/);
    expect(stderr).toMatch(/warehouse\.yaml:9: sources\.archive\.feeds: /);
    expect((await readdir(project.folder)).sort()).toEqual(['feeds', 'warehouse.yaml']);
  });
});

describe('help', () => {
  test('lists every command, and --version prints the version', async () => {
    const [help, version] = await Promise.all([asapp(fresh, ['--help']), asapp(fresh, ['--version'])]);
    expect(help.exit).toBe(0);
    for (const name of ['init', 'run', 'load', 'build', 'status', 'query', 'compile'])
      expect(help.stdout).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'));
    expect(version).toEqual({ exit: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
  });

  test.each(['init', 'run', 'load', 'build', 'status', 'query', 'compile'])(
    'of %s has an example',
    async (name) => {
      const { exit, stdout } = await asapp(fresh, [name, '--help']);
      expect(exit).toBe(0);
      expect(stdout).toMatch(new RegExp(`Examples:\\n {2}\\$ asapp-warehouse ${name}`));
      expect(stdout).toMatch(/--config <file>/);
    },
  );
});

describe('a command', () => {
  test('that only reads needs neither the keys of sources nor .env', async () => {
    await using project = await Project.create();
    await deliver(project, 1);
    await project.run();
    await project.write(
      'warehouse.yaml',
      `sources:
  messaging: { connector: s3, bucket: b, access_key_id: '\${KEY_ID}', secret_access_key: '\${SECRET}' }
`,
    );
    const words = [
      ['query', 'SELECT 1 AS n'],
      ['status'],
      ['why', 'voice_intents', 'issue_id=1'],
      ['rejects', 'list'],
    ];
    const allAnswer = async () => {
      for (const each of words) expect(await asapp(project, each), each.join(' ')).toMatchObject({ exit: 0 });
    };
    await allAnswer();
    expect(await asapp(project, ['run'])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('KEY_ID} is not set'),
    });
    // What cannot be read, for whatever reason.
    await project.write('.env', Buffer.from([0xff]));
    await allAnswer();
    expect(await asapp(project, ['run'])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('.env'),
    });
  });

  test('says so when the warehouse is a folder', async () => {
    await using project = await Project.create();
    await mkdir(project.path('warehouse.duckdb'));
    const { exit, stderr } = await asapp(project, ['run']);
    expect(exit).toBe(1);
    expect(stderr).toMatch(/warehouse\.duckdb is a folder\n {2}→ name a file in it at warehouse:/);
  });
});

describe('run', () => {
  test('reports on stderr what it did, and prints nothing to stdout', () => {
    expect(firstRun).toMatchObject({ exit: 0, stdout: '' });
    expect(firstRun.stderr).toMatch(/staged 3 files, 6 rows {2}messaging\.voice_intents/);
    expect(firstRun.stderr).toMatch(/built messaging\.voice_intents, 2 rows/);
    expect(firstRun.stderr).toMatch(
      /loaded 3 files \(\d+ B\), 6 rows staged, 0 rejected; built 1 model; .*published\n$/,
    );
  });

  test('shows no colours where there is no terminal', () => {
    expect(firstRun.stderr).not.toContain('\u001b');
  });

  test('with nothing new says so', async () => {
    await using project = await Project.create();
    await deliver(project, 1);
    await project.run();
    expect(await asapp(project, ['run'])).toMatchObject({
      exit: 0,
      stderr: expect.stringMatching(/nothing new to load/),
    });
  });

  test('with --timings says at the end where the time went', async () => {
    await using project = await Project.create();
    await deliver(project, 1);
    const { exit, stderr } = await asapp(project, ['run', '--timings']);
    expect(exit).toBe(0);
    const { taken = '', stages = '' } =
      /took (?<taken>[\d.]+) s: (?<stages>.*); [\d.]+ s of CPU\n$/.exec(stderr)?.groups ?? {};
    const spent = stages.split(', ').map((stage) => /^([a-z ]+) ([\d.]+)$/.exec(stage) ?? []);
    expect(spent.map(([, stage]) => stage)).toEqual(
      expect.arrayContaining(['starting', 'staging', 'building', 'testing', 'publishing', 'the rest']),
    );
    const sum = spent.reduce((total, [, , seconds]) => total + Number(seconds), 0);
    expect(sum).toBeCloseTo(Number(taken), 1);
  });

  test('with -q says nothing as long as all is well', async () => {
    await using project = await Project.create();
    await deliver(project, 1);
    expect(await asapp(project, ['run', '-q'])).toEqual({ exit: 0, stdout: '', stderr: '' });
    await deliver(project, 5);
    expect(await asapp(project, ['load', '-q'])).toEqual({
      exit: 3,
      stdout: '',
      stderr: expect.stringMatching(
        /^\d\d:\d\d:\d\d {2}warning: 3 partitions of messaging\.voice_intents missing: .*\n.*status --acknowledge/,
      ),
    });
  });

  test('with --log-format json writes one JSON object a line', async () => {
    await using project = await Project.create();
    await deliver(project, 1);
    const { exit, stdout, stderr } = await asapp(project, ['run', '--log-format', 'json']);
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: '' });
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) {
      expect(line).toMatchObject({ level: 'info', message: expect.any(String) });
      expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
    expect(lines[0]).toMatchObject({ feed: 'messaging.voice_intents', files: 1, rows: 2, rejected: 0 });
    const failed = await asapp(project, ['load', '--log-format', 'json', '--source', 'x']);
    expect(JSON.parse(failed.stderr)).toEqual({
      time: expect.any(String),
      level: 'error',
      code: 'usage',
      message: 'there is no source named x',
      hint: 'the sources of warehouse.yaml are: messaging',
    });
  });

  test('with --dry-run says what would be done, and writes nothing', async () => {
    const before = await snapshot(fresh);
    for (const words of [
      ['run', '--dry-run'],
      ['load', '--dry-run'],
    ]) {
      const { exit, stdout, stderr } = await asapp(fresh, words);
      expect({ exit, stdout }).toEqual({ exit: 0, stdout: '' });
      expect(stderr).toMatch(
        /would load 2 files in 2 partitions \(\d+ B\) {2}messaging\.voice_intents version 1 from messaging/,
      );
    }
    expect(await snapshot(fresh)).toEqual(before);
    const builds = await asapp(loaded, ['build', '--dry-run', '--full-refresh']);
    expect(builds).toMatchObject({
      exit: 0,
      stderr: expect.stringMatching(/would build messaging\.voice_intents\n/),
    });
  });

  test('stops between two steps at a signal, and the next run goes on from there', async () => {
    await using project = await Project.create();
    await deliver(project, 1, 2);
    await project.partition('utterances', '2026-01-09 07', [{ issue_id: 1, sender_id: 2 }]);
    let sent = false;
    const { exit, stderr } = await asapp(project, ['run'], {
      onStderr(_, signal) {
        if (sent) return;
        sent = true;
        signal('SIGTERM');
      },
    });
    expect({ exit, sent }).toEqual({ exit: 1, sent: true });
    expect(stderr).toMatch(/stopped; what was committed stays/);
    expect(await project.loader('SELECT status FROM ops.runs')).toEqual([{ status: 'failed' }]);
    await project.run();
    expect(await project.published('SELECT count(*) AS n FROM messaging.voice_intents')).toEqual([{ n: 2 }]);
  });
});

describe('the exit code', () => {
  test('is 3 for rejected rows over the limit, a failing file and a gap, each with a warning of its own', async () => {
    await using project = await Project.create();
    await deliver(project, 1, 2, 4);
    const hour = new Date(Date.now() - 5 * 3_600_000).toISOString().slice(0, 13).replace('T', ' ');
    await project.partition(FEED, hour, { '.01': ['{"issue_id":'], '.02.gz': Buffer.from('broken') });
    const { exit, stderr } = await asapp(project, ['run']);
    expect(exit).toBe(3);
    expect(stderr).toMatch(/warning: .*voice_intents\.jsonl\.02\.gz does not decompress to its end/);
    expect(stderr).toMatch(/warning: 1 file of messaging could not be staged and will be tried again/);
    expect(stderr).toMatch(/warning: 1 rejected row, and max_rejected_rows is 0/);
    expect(stderr).toMatch(/warning: 1 partition of messaging\.voice_intents missing: /);
  });

  test('is 1 for a source that cannot be reached, while the others are loaded', async () => {
    await using project = await Project.create(`sources:
  archive: {connector: local, path: ./nowhere, group: messaging}
  messaging: {connector: local, path: ./feeds}
`);
    await deliver(project, 1);
    const { exit, stderr } = await asapp(project, ['run']);
    expect(exit).toBe(1);
    expect(stderr).toMatch(/warning: archive: the folder .*nowhere is not there/);
    expect(stderr).toMatch(/Correct `path` of this source in warehouse\.yaml/);
    expect(await project.published('SELECT count(*) AS n FROM messaging.voice_intents')).toEqual([{ n: 2 }]);
  });

  test('is 1 for a warehouse that is no DuckDB file', async () => {
    await using project = await Project.create();
    await writeFile(
      project.path('warehouse.duckdb'),
      'not a database, but long enough to be taken for one'.repeat(100),
    );
    const { exit, stderr } = await asapp(project, ['load']);
    expect(exit).toBe(1);
    expect(stderr).toMatch(/error: .*warehouse\.duckdb is not a DuckDB database.*\n {2}→ put back a copy/);
  });

  test('is 4 while another process holds the warehouse, which is named, but readers get their answers', async () => {
    await using project = await Project.create();
    await deliver(project, 1);
    await project.run();
    await using holder = await OtherProcess.open(project.path('warehouse.duckdb'), 'READ_WRITE');
    const [run, load, build, status, query] = await Promise.all([
      asapp(project, ['run']),
      asapp(project, ['load']),
      asapp(project, ['build']),
      asapp(project, ['status', '--output', 'json']),
      asapp(project, ['query', '--output', 'json', 'SELECT count(*) AS n FROM messaging.voice_intents']),
    ]);
    for (const { exit, stdout, stderr } of [run, load, build]) {
      expect({ exit, stdout }).toEqual({ exit: 4, stdout: '' });
      expect(stderr).toMatch(
        new RegExp(
          `error: .*warehouse\\.duckdb is held by .*\\(process ${holder.pid}\\).*\\n {2}→ wait for it`,
        ),
      );
    }
    expect(status.exit).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({
      feeds: [{ feed: 'messaging.voice_intents', state: 'ok' }],
    });
    expect(status.stderr).toMatch(
      /a run holds the warehouse: this is how things stood when it was last published/,
    );
    expect(query).toMatchObject({ exit: 0, stdout: '[\n{"n":2}\n]\n', stderr: '' });
  });

  test('of a command that failed is the one in its record', async () => {
    await using project = await Project.create(
      'models: ./models\nsources: { messaging: { connector: local, path: ./feeds } }\n',
    );
    await deliver(project, 1);
    await project.write('models/marts/wrong.sql', "select no_such from {{ ref('voice_intents') }}");
    const wrongModel = await asapp(project, ['run']);
    const wrongNumber = await asapp(project, ['schema', 'accept', '99']);
    await rm(project.path('models/marts/wrong.sql'));
    // A file where the folder should be.
    await rm(project.path('published'), { recursive: true });
    await project.write('published', '');
    const noCopy = await asapp(project, ['run']);
    const codes = [wrongModel, wrongNumber, noCopy].map(({ exit }) => exit);
    // A mistake in a model stops no load: by then, feeds have been loaded.
    expect(codes).toEqual([1, 2, 1]);
    expect(await project.loader('SELECT count(*) AS files FROM ops.files')).toEqual([{ files: 1 }]);
    const runs = await project.loader<{ status: string; exit_code: number }>(
      'SELECT status, exit_code FROM ops.runs ORDER BY run_id',
    );
    expect(runs).toEqual(codes.map((exit_code) => ({ status: 'failed', exit_code })));
  });

  test('is 1 for a command that needs a warehouse where there is none yet', async () => {
    for (const words of [['query', 'SELECT 1'], ['status']]) {
      const { exit, stdout, stderr } = await asapp(fresh, words);
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
      expect(stderr).toMatch(/warehouse\.duckdb is not there yet\n {2}→ asapp-warehouse run makes it/);
    }
    expect(existsSync(fresh.path('warehouse.duckdb'))).toBe(false);
  });
});

describe('query', () => {
  const json = async (sql: string) => {
    const { exit, stdout, stderr } = await asapp(loaded, ['query', '--output', 'json', sql]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    return stdout;
  };

  test('prints JSON in which nothing is rounded', async () => {
    const text = await json(`SELECT 9223372036854775807 AS big, -9007199254740993::BIGINT AS small,
      170141183460469231731687303715884105727::HUGEINT AS huge, 1.10::DECIMAL(18, 2) AS price, 0.1::DOUBLE AS double,
      TIMESTAMP '2026-01-05 07:00:00' AS whole, TIMESTAMP '2026-01-05 07:00:00.123456' AS micros,
      DATE '2026-01-05' AS date, NULL AS nothing, true AS yes, 'a "b" \n 中' AS text, [1, NULL] AS list,
      {a: 1, b: 'x'} AS struct, '{"n": 12345678901234567890, "t": 1.50}'::JSON AS json`);
    expect(text).toBe(
      '[\n{"big":9223372036854775807,"small":-9007199254740993,"huge":170141183460469231731687303715884105727,' +
        '"price":1.10,"double":0.1,"whole":"2026-01-05 07:00:00","micros":"2026-01-05 07:00:00.123456",' +
        '"date":"2026-01-05","nothing":null,"yes":true,"text":"a \\"b\\" \\n 中","list":[1,null],' +
        '"struct":{"a":1,"b":"x"},"json":{"n": 12345678901234567890, "t": 1.50}}\n]\n',
    );
  });

  test('prints one JSON array, whether it has rows or not', async () => {
    expect(await json('SELECT 1 AS a UNION ALL SELECT 2 ORDER BY a')).toBe('[\n{"a":1},\n{"a":2}\n]\n');
    expect(await json('SELECT 1 AS a WHERE false')).toBe('[]\n');
    expect(await json(`SELECT issue_id FROM messaging.${FEED} ORDER BY 1`)).toBe(
      '[\n{"issue_id":1},\n{"issue_id":9007199254740993}\n]\n',
    );
  });

  test('prints CSV', async () => {
    const { stdout } = await asapp(loaded, [
      'query',
      '--output',
      'csv',
      `SELECT issue_id, voice_intent_code, instance_ts FROM messaging.${FEED} ORDER BY 1`,
    ]);
    expect(stdout).toBe(
      'issue_id,voice_intent_code,instance_ts\n1,V1,1970-01-01 00:00:00\n9007199254740993,"Ünïcödé, ""quoted""",\n',
    );
  });

  test('prints a table, without colours where there is no terminal', async () => {
    const { stdout } = await asapp(loaded, [
      'query',
      `SELECT issue_id, voice_intent_code AS code FROM messaging.${FEED} ORDER BY 1`,
    ]);
    expect(stdout).toBe(
      [
        '        issue_id  code',
        '────────────────  ─────────────────',
        '               1  V1',
        '9007199254740993  Ünïcödé, "quoted"',
        '',
      ].join('\n'),
    );
  });

  test('takes SQL from a file and from a pipe', async () => {
    await loaded.write('question.sql', '-- how many\nSELECT 2 + 2 AS n;\n');
    const fromFile = await asapp(loaded, ['query', '--output', 'csv', '-f', 'question.sql']);
    const fromPipe = await asapp(loaded, ['query', '--output', 'csv'], { stdin: 'SELECT 3 AS n' });
    const fromDash = await asapp(loaded, ['query', '-', '--output', 'csv'], { stdin: 'SELECT 4 AS n' });
    expect([fromFile, fromPipe, fromDash].map(({ stdout }) => stdout)).toEqual([
      'n\n4\n',
      'n\n3\n',
      'n\n4\n',
    ]);
    await rm(loaded.path('question.sql'));
  });

  test('writes each file whole, in the format of its name, and no file where it fails', {
    timeout: 120_000,
  }, async () => {
    const each = (names: string[], question: string) =>
      Promise.all(names.map((name) => asapp(loaded, ['query', '--to', name, question])));
    const sql = `SELECT issue_id FROM messaging.${FEED} ORDER BY 1`;
    for (const ended of await each(['out.csv', 'out.json', 'out.parquet', 'out.xlsx'], sql))
      expect(ended).toEqual({ exit: 0, stdout: '', stderr: '' });
    expect(await readFile(loaded.path('out.csv'), 'utf8')).toBe('issue_id\n1\n9007199254740993\n');
    const read = await asapp(loaded, ['query', '--allow-files', '--output', 'csv', "FROM 'out.parquet'"]);
    expect(read.stdout).toBe('issue_id\n1\n9007199254740993\n');
    expect((await readFile(loaded.path('out.xlsx'))).subarray(0, 2).toString()).toBe('PK');
    const piped = await asapp(loaded, ['query', '--output', 'parquet', sql]);
    expect(piped.stdout.startsWith('PAR1')).toBe(true);
    const failing =
      "SELECT CASE WHEN range > 200000 THEN error('late') ELSE range END AS n FROM range(300000)";
    for (const ended of await each(['out.csv', 'new.csv', 'new.parquet', 'new.xlsx'], failing))
      expect(ended).toMatchObject({ exit: 2, stdout: '' });
    expect(await readFile(loaded.path('out.csv'), 'utf8')).toBe('issue_id\n1\n9007199254740993\n');
    const made = (await readdir(loaded.folder)).filter((name) => /^(out|new)\./.test(name));
    expect(made.sort()).toEqual(['out.csv', 'out.json', 'out.parquet', 'out.xlsx']);
    expect((await asapp(loaded, ['query', '--to', 'no/such/out.csv', sql])).stderr).toContain(
      'no/such/out.csv cannot be written: its folder is not there',
    );
    for (const name of made) await rm(loaded.path(name));
  });

  test('reads staged and rescued values with --staging, and only then', async () => {
    const sql = `SELECT count(*) AS n, count(_rescued) AS rescued FROM staging_messaging.${FEED}`;
    const staged = await asapp(loaded, ['query', '--staging', '--output', 'json', sql]);
    expect(staged).toMatchObject({ exit: 0, stdout: '[\n{"n":6,"rescued":0}\n]\n' });
    expect(await asapp(loaded, ['query', sql])).toMatchObject({ exit: 2 });
  });

  test.each([
    `INSERT INTO messaging.${FEED} BY NAME SELECT 3 AS issue_id`,
    `DROP TABLE messaging.${FEED}`,
    'CREATE TABLE messaging.mine AS SELECT 1 AS a',
    `UPDATE ops.runs SET status = 'done'`,
  ])('refuses a statement that would change something: %s', async (sql) => {
    const before = await snapshot(loaded);
    const { exit, stdout, stderr } = await asapp(loaded, ['query', sql]);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).toMatch(/is refused: a query is one statement that reads/);
    expect(await snapshot(loaded)).toEqual(before);
  });
});

describe('compile', () => {
  test('prints SQL that runs, and nothing else', async () => {
    const before = await snapshot(loaded);
    const { exit, stdout, stderr } = await asapp(loaded, ['compile', FEED]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(await snapshot(loaded)).toEqual(before);
    const copy = loaded.path('copy.duckdb');
    await copyFile(loaded.path('warehouse.duckdb'), copy);
    await using warehouse = await Warehouse.open(copy);
    const session = await warehouse.session();
    await session.run(`DROP TABLE messaging.${FEED}; ${stdout}`);
    const rows = await session.rows(`SELECT issue_id FROM messaging.${FEED} ORDER BY 1`);
    expect(rows).toEqual([{ issue_id: 1 }, { issue_id: 9007199254740993n }]);
    await warehouse[Symbol.asyncDispose]();
    await rm(copy);
  });

  test('works before anything was loaded', async () => {
    const before = await snapshot(fresh);
    const { exit, stdout } = await asapp(fresh, ['compile', FEED]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/"staging_messaging"."voice_intents"/);
    expect(await snapshot(fresh)).toEqual(before);
  });
});

describe('init', () => {
  test('writes a starter configuration, and says what to do next', async () => {
    await using project = await Project.create();
    await rm(project.path('warehouse.yaml'));
    expect(await asapp(project, ['init'])).toMatchObject({
      exit: 0,
      stdout: '',
      stderr: expect.stringMatching(
        /wrote warehouse\.yaml\n.*next: fill in warehouse\.yaml, then asapp-warehouse run\n$/,
      ),
    });
    // What is left to fill in is told.
    const { exit, stderr } = await asapp(project, ['run']);
    expect(exit).toBe(2);
    expect(stderr).toMatch(/ASAPP_S3_KEY_ID/);
  });

  test('with --demo writes feeds that can be loaded as they are', async () => {
    await using project = await Project.create();
    await rm(project.path('warehouse.yaml'));
    await rm(project.path('feeds'), { recursive: true });
    expect(await asapp(project, ['init', '--demo'])).toMatchObject({
      exit: 0,
      stdout: '',
      stderr: expect.stringMatching(
        /wrote feeds: sample feeds, [\d,]+ files, [\d,]+ rows\n[\s\S]*next: asapp-warehouse run\n$/,
      ),
    });
    const dryRun = await asapp(project, ['load', '--dry-run']);
    expect(dryRun).toMatchObject({
      exit: 0,
      stderr: expect.stringMatching(/would load .* ai_services\.utterances version 1/),
    });
    expect(await asapp(project, ['init', '--demo'])).toMatchObject({ exit: 2 });
  });
});

test('secrets of the configuration are neither printed nor stored', { timeout: 60_000 }, async () => {
  const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: a variable of warehouse.yaml
  await using project = await Project.create(`sources:
  messaging:
    connector: s3
    bucket: nowhere
    region: us-east-1
    endpoint: http://127.0.0.1:9
    access_key_id: \${KEY_ID}
    secret_access_key: \${SECRET}
`);
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: see above
  const env = { KEY_ID: 'AKIAIOSFODNN7EXAMPLE', SECRET: secret, DEBUG: '' };
  const { exit, stdout, stderr } = await asapp(project, ['run', '--log-format', 'json'], { env });
  expect(exit).toBe(1);
  expect(stderr).toMatch(/127\.0\.0\.1:9/);
  for (const hidden of [secret, encodeURIComponent(secret), env.KEY_ID])
    expect(stdout + stderr).not.toContain(hidden);
  const stored = await readFile(project.path('warehouse.duckdb'));
  expect(stored.includes(secret)).toBe(false);
});
