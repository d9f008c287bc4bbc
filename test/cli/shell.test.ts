import { spawn, spawnSync } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROGRAM } from '../support/build.ts';
import { asapp } from '../support/command.ts';
import { Project } from '../support/project.ts';

let project: Project;

beforeAll(async () => {
  project = await Project.create();
  await project.partition('voice_intents', '2026-01-05 07', [{ issue_id: 1, company_name: 'c' }]);
  await project.run();
});

afterAll(() => project[Symbol.asyncDispose]());

test('a shell takes statements from a pipe, goes on after a mistake, and then exits with 1', async () => {
  const stdin = `select 1 as one;
selct 2;
delete from messaging.voice_intents;
.tabels
select
  3 as three; select ';' as four;
.schema messaging.voice_intents
select 5 as five`;
  const { exit, stdout, stderr } = await asapp(project, ['shell', '--output', 'csv'], { stdin });
  expect(exit).toBe(1);
  expect(stdout).toContain('one\n1\nthree\n3\nfour\n;\n');
  expect(stdout).toContain('issue_id,BIGINT,');
  expect(stdout.endsWith('five\n5\n')).toBe(true);
  expect(stderr).toMatch(
    /did you mean SELECT[\s\S]*DELETE is refused[\s\S]*no command \.tabels \(did you mean "\.tables"/,
  );
});

test('a shell over staged rows holds the file only while a statement runs', { timeout: 60_000 }, async () => {
  const child = spawn(process.execPath, [PROGRAM, 'shell', '--staging', '--output', 'csv'], {
    cwd: project.folder,
    env: { PATH: process.env.PATH, HOME: project.folder },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const answer = (): Promise<string> =>
    new Promise((resolve) => {
      let said = '';
      child.stdout.on('data', function hear(data) {
        said += data;
        if (!/^\d+$/m.test(said)) return;
        child.stdout.off('data', hear);
        resolve(said);
      });
    });
  const count = 'select count(*) as n from staging_messaging.voice_intents;\n';
  const first = answer();
  child.stdin.write(count);
  expect(await first).toBe('n\n1\n');
  await project.partition('voice_intents', '2026-01-05 08', [{ issue_id: 2, company_name: 'c' }]);
  expect((await project.run()).exitCode).not.toBe(4);
  const second = answer();
  child.stdin.write(count);
  expect(await second).toBe('n\n2\n');
  child.stdin.end('.quit\n');
  expect(await ended).toBe(0);
});

/** Types into a program that runs in a pseudo terminal, and gives all that came on its screen. */
const TYPIST = `
import json, os, pty, select, sys, time
words, keys = json.loads(sys.argv[1]), json.loads(sys.argv[2])
child, terminal = pty.fork()
if child == 0:
    os.execv(words[0], words)
shown = b''
def until(mark, seconds):
    global shown
    end = time.time() + seconds
    while mark.encode() not in shown[until.seen:] and time.time() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try: shown += os.read(terminal, 65536)
            except OSError: return
    until.seen = len(shown)
until.seen = 0
for text, mark, seconds in keys:
    os.write(terminal, text.encode())
    until(mark, seconds)
sys.stdout.buffer.write(shown)
sys.exit(os.waitpid(child, 0)[1] >> 8)
`;

// Python has the only pseudo terminal that is always there; a machine without it leaves this out.
describe.skipIf(spawnSync('python3', ['-c', 'import pty']).status !== 0)('a shell in a terminal', () => {
  test('ends a statement at Ctrl-C, and keeps a history that only its user can read', {
    timeout: 120_000,
  }, async () => {
    const slow = 'select count(*) from range(100000000) a, range(1000) b where a.range + b.range = 7;';
    const keys = [
      ['', 'asapp> ', 30],
      ['select 1\r', '...> ', 30],
      ['as uno;\r', '  1', 30],
      // Long enough for it to be running.
      [`${slow}\r`, 'nothing', 3],
      ['\u0003', 'stopped', 30],
      ['select 2 as half', 'half', 30],
      ['\u0003', 'asapp> ', 30],
      ['select 5 as five;\r', '   5', 30],
      ['.quit\r', 'nothing', 3],
    ];
    const child = spawn(
      'python3',
      ['-c', TYPIST, JSON.stringify([process.execPath, PROGRAM, 'shell']), JSON.stringify(keys)],
      {
        cwd: project.folder,
        env: { PATH: process.env.PATH, HOME: project.folder, TERM: 'xterm', NO_COLOR: '1' },
      },
    );
    let screen = '';
    child.stdout.on('data', (data) => {
      screen += data;
    });
    expect(await new Promise((resolve) => child.once('close', resolve)), screen).toBe(0);
    expect(screen).toMatch(/uno[\s\S]*stopped[\s\S]*five/);
    const history = project.path('.local/state/asapp-warehouse/history');
    expect((await readFile(history, 'utf8')).split('\n'), screen).toContain('select 5 as five;');
    expect((await stat(history)).mode & 0o777).toBe(0o600);
  });
});
