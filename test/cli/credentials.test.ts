import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { starterConfig } from '../../src/config/starter.ts';
import { PROGRAM } from '../support/build.ts';
import { asapp } from '../support/command.ts';
import { Gpg, type GpgKey, hasGpg } from '../support/gpg.ts';
import { Project } from '../support/project.ts';

const ID = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const BUCKET = 'asapp-prod-acme-exports-us-east-1';
const VENDOR_FILE = `${ID}\t${SECRET}\t${BUCKET}\tacme/feeds\n`;
const PASSPHRASE = 'correct horse battery';

async function started(): Promise<Project> {
  return Project.create(starterConfig({ demo: false }));
}

async function read(project: Project, name: string): Promise<string> {
  return readFile(project.path(name), 'utf8');
}

describe('credentials import', () => {
  it('writes what the vendor’s file holds to .env and warehouse.yaml, and shows no secret', async () => {
    await using project = await started();
    await project.write('keys.txt', VENDOR_FILE);
    await project.write('.env', '# mine\r\nASAPP_S3_SECRET=old\r\nOTHER=1\r\n');
    const { exit, stdout, stderr } = await asapp(project, [
      'credentials',
      'import',
      'keys.txt',
      '--output',
      'json',
    ]);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      {
        source: 'messaging',
        bucket: BUCKET,
        prefix: 'acme/feeds',
        access_key_id: 'AKIA…MPLE',
        variables: 'ASAPP_S3_KEY_ID, ASAPP_S3_SECRET',
      },
    ]);
    expect(stderr).toContain('next: asapp-warehouse debug --source messaging');
    for (const secret of [ID, SECRET]) expect(stdout + stderr).not.toContain(secret);

    expect(await read(project, '.env')).toBe(
      `# mine\r\nASAPP_S3_SECRET=${SECRET}\r\nOTHER=1\r\nASAPP_S3_KEY_ID=${ID}\r\n`,
    );
    expect((await stat(project.path('.env'))).mode & 0o777).toBe(0o600);
    const before = starterConfig({ demo: false }).split('\n');
    const after = (await read(project, 'warehouse.yaml')).split('\n');
    expect(after.filter((line) => !before.includes(line))).toEqual([
      `    bucket: ${BUCKET}`,
      '    prefix: acme/feeds',
    ]);
    expect(before.filter((line) => !after.includes(line))).toEqual([]);
    // It is a configuration now, as the program reads it.
    expect((await asapp(project, ['status'])).exit).not.toBe(2);
  });

  it.each(['keys.txt', 'none.asc'])('warns that it needs no private key (%s)', async (privateKey) => {
    await using project = await started();
    await project.write('keys.txt', VENDOR_FILE);
    const words = ['credentials', 'import', 'keys.txt', '--private-key', privateKey];
    const { exit, stderr } = await asapp(project, words);
    expect(exit).toBe(0);
    expect(stderr).toContain(`warning: keys.txt is not encrypted: --private-key ${privateKey} is not used\n`);
    expect(await read(project, '.env')).toContain(`ASAPP_S3_SECRET=${SECRET}\n`);
    expect((await asapp(project, words.slice(0, 3))).stderr).not.toContain('warning');
  });

  it('changes nothing with --dry-run, nor when it is called again', async () => {
    await using project = await started();
    await project.write('keys.txt', VENDOR_FILE);
    const dry = await asapp(project, ['credentials', 'import', 'keys.txt', '--dry-run']);
    expect(dry.exit).toBe(0);
    expect(dry.stderr).toContain('would write ASAPP_S3_KEY_ID and ASAPP_S3_SECRET to .env');
    expect(await read(project, 'warehouse.yaml')).toBe(starterConfig({ demo: false }));
    await expect(read(project, '.env')).rejects.toThrow('ENOENT');

    await asapp(project, ['credentials', 'import', 'keys.txt']);
    const texts = [await read(project, '.env'), await read(project, 'warehouse.yaml')];
    const again = await asapp(project, ['credentials', 'import', 'keys.txt']);
    expect(again.stderr).toContain('warehouse.yaml has sources.messaging already');
    expect([await read(project, '.env'), await read(project, 'warehouse.yaml')]).toEqual(texts);
  });

  it('closes a .env that others could read, keeps links, and keeps who may read warehouse.yaml', async () => {
    await using project = await started();
    await project.write('keys.txt', VENDOR_FILE);
    await project.write('secrets', `ASAPP_S3_KEY_ID=${ID}\nASAPP_S3_SECRET=${SECRET}\n`);
    await chmod(project.path('secrets'), 0o644);
    await symlink('secrets', project.path('.env'));
    await chmod(project.path('warehouse.yaml'), 0o640);
    expect((await asapp(project, ['credentials', 'import', 'keys.txt'])).exit).toBe(0);
    expect((await stat(project.path('secrets'))).mode & 0o777).toBe(0o600);
    expect((await stat(project.path('warehouse.yaml'))).mode & 0o777).toBe(0o640);
    expect(await read(project, 'warehouse.yaml')).toContain(BUCKET);
  });

  it('changes neither file where one of them cannot be written', async () => {
    await using project = await started();
    await project.write('keys.txt', VENDOR_FILE);
    await mkdir(project.path('elsewhere'));
    await rename(project.path('warehouse.yaml'), project.path('elsewhere/warehouse.yaml'));
    await symlink('elsewhere/warehouse.yaml', project.path('warehouse.yaml'));
    const before = await read(project, 'warehouse.yaml');
    await project.write('.env', 'OTHER=1\n');
    // The names that a file is written under first are known, so that one can be in the way: root may write anywhere.
    const inTheWay = `for (const pid of [process.pid]) require("fs").mkdirSync("elsewhere/warehouse.yaml." + pid + ".tmp/x", { recursive: true })`;
    await project.write('before.cjs', inTheWay);
    const { exit, stderr } = await asapp(project, ['credentials', 'import', 'keys.txt'], {
      env: { NODE_OPTIONS: '--require ./before.cjs' },
    });
    expect(exit).toBe(1);
    expect(stderr).toMatch(/warehouse.yaml cannot be written: /);
    expect(stderr).toMatch(/→ Nothing was changed. Look at the free space/);
    expect(stderr).not.toContain('unexpected');
    expect(await read(project, '.env')).toBe('OTHER=1\n');
    expect(await read(project, 'warehouse.yaml')).toBe(before);
    expect((await readdir(project.folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('changes nothing on a full disk', async () => {
    await using project = await started();
    await project.write('keys.txt', VENDOR_FILE);
    const before = await read(project, 'warehouse.yaml');
    // No file may become larger than nothing: for a program, the same as a full disk.
    const words = `ulimit -f 0; exec "$0" "$@" 2>&1 | cat`;
    const { stdout } = spawnSync(
      'bash',
      ['-c', words, process.execPath, PROGRAM, 'credentials', 'import', 'keys.txt'],
      { cwd: project.folder, encoding: 'utf8' },
    );
    expect(stdout).toMatch(/\.env cannot be written: EFBIG/);
    expect(stdout).not.toContain('unexpected');
    expect(await read(project, 'warehouse.yaml')).toBe(before);
    expect(await readdir(project.folder)).not.toContain('.env');
  });

  it('adds a source that warehouse.yaml does not have yet', async () => {
    await using project = await started();
    await project.write('keys.txt', `id\tsecret\tbucket\tsub-folder\n${ID}\t${SECRET}\tother-bucket\n`);
    const { exit } = await asapp(project, ['credentials', 'import', 'keys.txt', '--source', 'preprod']);
    expect(exit).toBe(0);
    expect(await read(project, 'warehouse.yaml')).toContain(
      `\n  preprod:\n    connector: s3\n    bucket: other-bucket\n    access_key_id: \${ASAPP_S3_KEY_ID_PREPROD}\n    secret_access_key: \${ASAPP_S3_SECRET_PREPROD}\n`,
    );
  });

  it('warns when a variable of the environment would win over what it has written', async () => {
    await using project = await started();
    await project.write('keys.txt', VENDOR_FILE);
    const env = { ASAPP_S3_KEY_ID: 'AKIAOTHER' };
    const { stderr } = await asapp(project, ['credentials', 'import', 'keys.txt'], { env });
    expect(stderr).toMatch(/warning: ASAPP_S3_KEY_ID is set in the environment to something else/);
  });

  it.each([
    ['another kind of file', Buffer.from(`${ID},${SECRET}\n`), 'keys.txt:1: has 1 column'],
    ['no text', Buffer.from([0x41, 0xc3, 0x28, 0x0a]), 'keys.txt is not text'],
    ['UTF-16', Buffer.from('\ufeffid', 'utf16le'), 'keys.txt'],
    ['nothing', Buffer.alloc(0), 'keys.txt holds no credentials'],
  ])('refuses %s, and changes nothing', async (_, bytes, message) => {
    await using project = await started();
    await writeFile(project.path('keys.txt'), bytes);
    const { exit, stderr } = await asapp(project, ['credentials', 'import', 'keys.txt']);
    expect(exit).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain(SECRET);
    expect(await read(project, 'warehouse.yaml')).toBe(starterConfig({ demo: false }));
    await expect(read(project, '.env')).rejects.toThrow('ENOENT');
  });

  it.each([
    ['the file', ['nothing.txt'], {}, 'nothing.txt is not there'],
    ['a configuration', ['keys.txt', '--config', 'other.yaml'], {}, 'other.yaml is not there'],
    ['a configuration that is YAML', ['keys.txt'], { 'warehouse.yaml': 'a: [\n' }, 'warehouse.yaml:'],
    ['a .env that is a file', ['keys.txt'], { '.env/x': '' }, '.env cannot be read (EISDIR)'],
  ])('needs %s', async (_, words, files, message) => {
    await using project = await started();
    await project.write('keys.txt', VENDOR_FILE);
    for (const [name, text] of Object.entries(files)) await project.write(name, text);
    const { exit, stderr } = await asapp(project, ['credentials', 'import', ...words]);
    expect(stderr).toContain(message);
    expect(exit).toBe(2);
  });
});

describe.skipIf(!hasGpg)('credentials import of a file that gpg has encrypted', () => {
  let gpg: Gpg;
  let key: GpgKey;
  let open: GpgKey;

  beforeAll(() => {
    gpg = new Gpg();
    key = gpg.createKey('cv25519', PASSPHRASE);
    open = gpg.createKey('rsa');
  });

  afterAll(() => gpg[Symbol.dispose]());

  async function encrypted(options: string[] = [], of = key): Promise<Project> {
    const project = await started();
    await writeFile(project.path('keys.gpg'), gpg.encrypt(VENDOR_FILE, of, options));
    await writeFile(project.path('key.asc'), gpg.exportKey(of, ['--armor']));
    await writeFile(project.path('other.asc'), gpg.exportKey(open, ['--armor']));
    return project;
  }

  const WORDS = ['credentials', 'import', 'keys.gpg', '--private-key', 'key.asc'];

  it.each([
    ['in the environment', [], true],
    ['in .env', ['--armor'], false],
  ])('takes the passphrase %s', async (_, options, isInEnvironment) => {
    await using project = await encrypted(options);
    if (!isInEnvironment) await project.write('.env', `ASAPP_GPG_PASSPHRASE='${PASSPHRASE}'\n`);
    const env = isInEnvironment ? { ASAPP_GPG_PASSPHRASE: PASSPHRASE } : {};
    const { exit, stdout, stderr } = await asapp(project, WORDS, { env });
    expect(stderr).toContain('wrote ASAPP_S3_KEY_ID and ASAPP_S3_SECRET to .env');
    expect(exit).toBe(0);
    expect(await read(project, '.env')).toContain(`ASAPP_S3_SECRET=${SECRET}\n`);
    for (const secret of [ID, SECRET, PASSPHRASE]) expect(stdout + stderr).not.toContain(secret);
  });

  it('needs no passphrase for a key that is not protected', async () => {
    await using project = await encrypted([], open);
    expect((await asapp(project, WORDS)).exit).toBe(0);
    expect(await read(project, '.env')).toContain(SECRET);
  });

  it('reads the decrypted text from a pipe', async () => {
    await using project = await started();
    await project.write('keys.txt', VENDOR_FILE);
    const words = `cat keys.txt | '${process.execPath}' '${PROGRAM}' credentials import /dev/stdin`;
    const done = spawnSync('sh', ['-c', words], { cwd: project.folder });
    expect(done.status).toBe(0);
    expect(await read(project, '.env')).toContain(SECRET);
  });

  it.each([
    ['no key', ['credentials', 'import', 'keys.gpg'], {}, 2, 'keys.gpg is encrypted, and no key is given'],
    ['no passphrase', WORDS, {}, 2, 'the private key key.asc needs its passphrase'],
    [
      'a wrong passphrase',
      WORDS,
      { ASAPP_GPG_PASSPHRASE: 'this one is wrong' },
      2,
      'error: the passphrase does not open the private key key.asc\n  → set ASAPP_GPG_PASSPHRASE to the right one',
    ],
    [
      'a key that is not there',
      ['credentials', 'import', 'keys.gpg', '--private-key', 'none.asc'],
      {},
      2,
      'error: the private key none.asc is not there\n  → name the right file with --private-key',
    ],
    [
      'a key that is none',
      ['credentials', 'import', 'keys.gpg', '--private-key', 'warehouse.yaml'],
      {},
      2,
      'error: warehouse.yaml holds no private OpenPGP key\n  → name the right file',
    ],
    [
      'another key',
      ['credentials', 'import', 'keys.gpg', '--private-key', 'other.asc'],
      {},
      1,
      'keys.gpg cannot be decrypted: it is encrypted for the key',
    ],
  ])('fails with %s, and says what is wrong', async (_, words, env, exit, message) => {
    await using project = await encrypted();
    const ended = await asapp(project, words, { env });
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).not.toContain('this one is wrong');
    expect(ended.exit).toBe(exit);
    await expect(read(project, '.env')).rejects.toThrow('ENOENT');
  });

  /** Runs the command on a terminal of its own, and types when it is asked. */
  async function onTerminal(
    project: Project,
    typed: string,
  ): Promise<{ exit: number | null; screen: string }> {
    const words = [process.execPath, PROGRAM, ...WORDS].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['--quiet', '--return', '--command', words, '/dev/null'], {
      cwd: project.folder,
      env: { PATH: process.env.PATH, TERM: 'xterm' },
    });
    let screen = '';
    child.stdout.on('data', (text) => {
      screen += text;
      if (screen.endsWith('passphrase of key.asc: ')) child.stdin.write(typed);
    });
    const exit = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { exit, screen };
  }

  const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') || process.env.CI;

  it.skipIf(!hasScript)('asks for the passphrase on a terminal, and does not show it', async () => {
    await using project = await encrypted();
    const { exit, screen } = await onTerminal(project, `${PASSPHRASE}\r`);
    expect(screen).toContain('passphrase of key.asc: ');
    expect(screen).toContain('wrote ASAPP_S3_KEY_ID');
    expect(exit).toBe(0);
    for (const secret of [ID, SECRET, PASSPHRASE, PASSPHRASE.slice(0, 7)])
      expect(screen).not.toContain(secret);
    expect(await read(project, '.env')).toContain(SECRET);
  });

  it.skipIf(!hasScript)('changes nothing when no passphrase is typed', async () => {
    await using project = await encrypted();
    const { exit, screen } = await onTerminal(project, '\u0003');
    expect(exit).toBe(2);
    expect(screen).toContain('nothing was typed, and nothing was done');
    await expect(read(project, '.env')).rejects.toThrow('ENOENT');
  });
});
