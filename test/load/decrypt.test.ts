import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { local } from '../../src/connectors/local.ts';
import { FileError } from '../../src/errors.ts';
import { parsePath } from '../../src/feeds/paths.ts';
import { decryptByCommand } from '../../src/load/decrypt/command.ts';
import { type Decryptor, decryptorFor } from '../../src/load/decrypt/decrypt.ts';
import { decryptOpenpgp, loadOpenpgpKeys } from '../../src/load/decrypt/openpgp.ts';
import type { WantedFile } from '../../src/load/file.ts';
import { Landing } from '../../src/load/landing.ts';
import { Gpg, type GpgKey, hasGpg } from '../support/gpg.ts';
import { Project, said } from '../support/project.ts';

const LINES = `${[1, 2, 3].map((issue_id) => JSON.stringify({ issue_id, voice_intent_code: 'BILLING' })).join('\n')}\n`;
const NODE = process.execPath;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'decrypt-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Pieces of some bytes, as a file is read. */
async function* pieces(bytes: Uint8Array, length = 1000): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += length) yield bytes.subarray(start, start + length);
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const got: Uint8Array[] = [];
  for await (const chunk of chunks) got.push(chunk);
  return Buffer.concat(got);
}

describe.skipIf(!hasGpg)('files that gpg has encrypted', () => {
  let gpg: Gpg;
  let rsa: GpgKey;
  let curve: GpgKey;
  let stranger: GpgKey;
  let brainpool: GpgKey;
  let encrypted: Buffer;

  beforeAll(() => {
    gpg = new Gpg();
    rsa = gpg.createKey('rsa');
    curve = gpg.createKey('cv25519', 'correct horse');
    stranger = gpg.createKey('cv25519');
    brainpool = gpg.createKey('brainpool');
    encrypted = gpg.encrypt(LINES, curve);
  });

  afterAll(() => gpg[Symbol.dispose]());

  /** A project with one source, and the private key beside its warehouse.yaml. */
  async function projectWith(decrypt: string | undefined, key?: Buffer): Promise<Project> {
    const project = await Project.create(
      `sources:\n  messaging:\n    connector: local\n    path: ./feeds\n${decrypt === undefined ? '' : `    decrypt: ${decrypt}\n`}`,
    );
    if (key) await project.write('key.asc', key);
    return project;
  }

  const WITH_KEY = '{openpgp: {private_key: ./key.asc, passphrase: correct horse}}';

  describe('are staged', () => {
    it('with any of the keys that were exported into one file, one after the other', async () => {
      await using project = await projectWith(
        WITH_KEY,
        Buffer.concat([rsa, curve].map((key) => gpg.exportKey(key, ['--armor']))),
      );
      await project.partition('voice_intents', '2026-01-05 07', {
        '.01.enc': gpg.encrypt('{"issue_id": 1}\n', rsa),
        '.02.enc': gpg.encrypt('{"issue_id": 2}\n', curve),
      });
      expect(await project.load()).toMatchObject({ exitCode: 0, loaded: { rows: 2 } });
    });

    it.each([
      ['an RSA key', () => rsa, [], []],
      ['an RSA key, all armoured', () => rsa, ['--armor'], ['--armor']],
      ['a protected cv25519 key', () => curve, [], []],
      ['a protected cv25519 key, all armoured', () => curve, ['--armor'], ['--armor']],
      ['a protected cv25519 key that the message does not name', () => curve, [], ['--throw-keyids']],
      ['subkeys alone', () => curve, [], [], '--export-secret-subkeys'],
    ] as const)('with %s', async (_, key, exporting, encrypting, what?: string) => {
      await using project = await projectWith(WITH_KEY, gpg.exportKey(key(), [...exporting], what));
      const seal = (plain: string | Uint8Array) => gpg.encrypt(plain, key(), [...encrypting]);
      const delivered = seal(LINES);
      await project.partition('voice_intents', '2026-01-05 07', { '.enc': delivered });
      await project.partition('voice_intents', '2026-01-05 08', {
        '.01.enc': seal('{"issue_id": 4}\n'),
        '.02.gz.enc': seal(gzipSync('{"issue_id": 5}\n{"issue_id": 6}')),
      });
      expect((await project.load()).attention).toEqual([]);
      expect(
        await project.loader(
          'SELECT string_agg(issue_id::VARCHAR, $$ $$ ORDER BY issue_id) AS ids FROM staging_messaging.voice_intents',
        ),
      ).toEqual([{ ids: '1 2 3 4 5 6' }]);
      expect(
        await project.loader("SELECT sha256, lines FROM ops.files WHERE path LIKE '%jsonl.enc'"),
      ).toEqual([{ sha256: createHash('sha256').update(delivered).digest('hex'), lines: 3 }]);
      expect(await readdir(project.path('landing'))).toEqual([]);
    });

    it('by a program', async () => {
      const words = ['gpg', '--homedir', gpg.home, '--batch', '--pinentry-mode', 'loopback'];
      const decrypt = { command: [...words, '--passphrase', 'correct horse', '--decrypt'] };
      await using project = await projectWith(JSON.stringify(decrypt));
      await project.partition('voice_intents', '2026-01-05 07', { '.enc': encrypted });
      await project.partition('voice_intents', '2026-01-05 08', {
        '.gz.enc': gpg.encrypt(gzipSync('{"issue_id": 4}\n'), curve, ['--armor']),
      });
      expect((await project.load()).attention).toEqual([]);
      expect(await project.loader('SELECT count(*) AS n FROM staging_messaging.voice_intents')).toEqual([
        { n: 4 },
      ]);
    });
  });

  describe('that cannot be decrypted', () => {
    /** What is delivered, with which configuration and key, and what is said about it. */
    type Case = [string, () => Buffer, string | undefined, (() => Buffer) | undefined, RegExp];
    const cases: Case[] = [
      ['no key', () => encrypted, undefined, undefined, /is encrypted, and no key is configured/],
      [
        'another key',
        () => encrypted,
        WITH_KEY,
        () => gpg.exportKey(stranger),
        /encrypted for the key [0-9A-F]{16}, and .*key\d+\.asc holds the keys [0-9A-F]{16}, [0-9A-F]{16}$/,
      ],
      [
        'another key, and a message that names none',
        () => gpg.encrypt(LINES, curve, ['--throw-keyids']),
        WITH_KEY,
        () => gpg.exportKey(stranger),
        /it is for another key, or damaged$/,
      ],
      [
        'a wrong passphrase',
        () => encrypted,
        '{openpgp: {private_key: ./key.asc, passphrase: wrong}}',
        () => gpg.exportKey(curve),
        /the passphrase does not open the private key .*key\d+\.asc$/,
      ],
      [
        'no passphrase',
        () => encrypted,
        '{openpgp: {private_key: ./key.asc}}',
        () => gpg.exportKey(curve),
        /the private key .*key\d+\.asc needs its passphrase$/,
      ],
      ['no key file', () => encrypted, WITH_KEY, undefined, /the private key .*key\d+\.asc is not there$/],
      [
        'a public key',
        () => encrypted,
        WITH_KEY,
        () => gpg.exportPublicKey(curve),
        /key\d*\.asc holds no private OpenPGP key$/,
      ],
      [
        'its end missing',
        () => encrypted.subarray(0, -20),
        WITH_KEY,
        () => gpg.exportKey(curve),
        /it is cut short$/,
      ],
      [
        'one byte changed',
        () => changed(encrypted, encrypted.length - 60),
        WITH_KEY,
        () => gpg.exportKey(curve),
        /it was damaged or changed after it was encrypted$/,
      ],
      [
        'nothing encrypted in it',
        () => Buffer.from(LINES),
        WITH_KEY,
        () => gpg.exportKey(curve),
        /it is not encrypted with OpenPGP$/,
      ],
      [
        'two messages in it',
        () => {
          const armoured = gpg.encrypt(LINES, curve, ['--armor']);
          return Buffer.concat([armoured, armoured]);
        },
        WITH_KEY,
        () => gpg.exportKey(curve),
        /it holds more than one OpenPGP message$/,
      ],
      ...['TWOFISH', 'CAMELLIA256', 'BLOWFISH'].map(
        (cipher): Case => [
          `the cipher ${cipher}`,
          () => gpg.encrypt(LINES, curve, ['--cipher-algo', cipher]),
          WITH_KEY,
          () => gpg.exportKey(curve),
          /it is encrypted with a cipher that is not supported here, such as TWOFISH or CAMELLIA/,
        ],
      ),
      [
        'a key on a curve that the library does not know',
        () => gpg.encrypt(LINES, brainpool),
        WITH_KEY,
        () => gpg.exportKey(brainpool),
        /the private key .* is on the curve brainpoolP256r1, which is not supported here$/,
      ],
      [
        'another such key, beside one that could be used',
        () => gpg.encrypt(LINES, brainpool),
        WITH_KEY,
        () => Buffer.concat([brainpool, rsa].map((key) => gpg.exportKey(key, ['--armor']))),
        /encrypted for the key [0-9A-F]{16}, on the curve brainpoolP256r1, which is not supported here$/,
      ],
      ['no bytes', () => Buffer.alloc(0), WITH_KEY, () => gpg.exportKey(curve), /it is empty$/],
      [
        'a program that cannot',
        () => changed(encrypted, encrypted.length - 60),
        '{command: [gpg, --batch, --homedir, ./nowhere, --decrypt]}',
        undefined,
        /gpg ended with exit code 2: gpg: .*$/,
      ],
      [
        'a program that is not there',
        () => encrypted,
        '{command: [no-such-program, --decrypt]}',
        undefined,
        /there is no program no-such-program$/,
      ],
    ];

    it('give one error each, while the other files are loaded', async () => {
      // One source for each case, with a folder and a key of its own.
      const sources = cases.map(([name, , decrypt], index) => ({
        name: `source_${index}`,
        text: `  source_${index}: # ${name}
    connector: local
    path: ./feeds${index}
${decrypt === undefined ? '' : `    decrypt: ${decrypt.replace('key.asc', `key${index}.asc`)}\n`}`,
      }));
      await using project = await Project.create(`sources:\n${sources.map(({ text }) => text).join('')}`);
      const expected: { source: string; path: string; message: unknown }[] = [];
      for (const [index, [, delivered, , key, message]] of cases.entries()) {
        const root = `feeds${index}`;
        if (key) await project.write(`key${index}.asc`, key());
        const files = { '.enc': delivered() };
        const path = await project.partition('voice_intents', '2026-01-05 07', files, { root });
        await project.partition('voice_intents', '2026-01-05 08', [{ issue_id: index }], { root });
        expected.push({
          source: `source_${index}`,
          path: `${path}/voice_intents.jsonl.enc`,
          message: expect.stringMatching(message),
        });
      }
      const { exitCode, attention } = await project.load();
      expect(exitCode).toBe(3);
      expect(said(attention).toSorted()).toEqual(
        cases.map((_, at) => `1 file of source_${at} could not be staged and will be tried again`).toSorted(),
      );
      expect(project.reporter.warnings).toEqual(expected.map(({ message }) => message));
      expect(
        await project.loader(
          'SELECT source, path, message FROM ops.file_failures ORDER BY length(source), source',
        ),
      ).toEqual(expected);
      expect(
        await project.loader('SELECT issue_id FROM staging_messaging.voice_intents ORDER BY issue_id'),
      ).toEqual(cases.map((_, index) => ({ issue_id: index })));
      expect(await readdir(project.path('landing'))).toEqual([]);
    });

    it('are tried again, and staged once the key is there', async () => {
      await using project = await projectWith(WITH_KEY, gpg.exportKey(stranger));
      await project.partition('voice_intents', '2026-01-05 07', { '.enc': encrypted });
      expect((await project.load()).exitCode).toBe(3);
      await project.write('key.asc', gpg.exportKey(curve));
      expect((await project.load()).exitCode).toBe(0);
      expect(await project.loader('SELECT count(*) AS n FROM staging_messaging.voice_intents')).toEqual([
        { n: 3 },
      ]);
      expect(
        await project.loader('SELECT attempts, resolved_at IS NOT NULL AS resolved FROM ops.file_failures'),
      ).toEqual([{ attempts: 1, resolved: true }]);
    });

    it('are also those of which any byte is changed or missing', async () => {
      await writeFile(join(folder, 'key'), gpg.exportKey(curve));
      const keys = await loadOpenpgpKeys({ privateKey: join(folder, 'key'), passphrase: 'correct horse' });
      // The prefix makes the library wait for ever when it is changed in some places; binary, so no byte is idle.
      for (let at = 0; at < encrypted.length; at += 3) {
        await expect(all(decryptOpenpgp(pieces(changed(encrypted, at), 100), keys, 100))).rejects.toThrow();
        await expect(
          all(decryptOpenpgp(pieces(encrypted.subarray(0, at), 100), keys, 100)),
        ).rejects.toThrow();
      }
    });
  });

  it('are decrypted while they still come in, and fail at their end when they were changed', async () => {
    await writeFile(join(folder, 'key'), gpg.exportKey(rsa));
    const keys = await loadOpenpgpKeys({ privateKey: join(folder, 'key') });
    const plain = randomBytes(4_000_000);
    const message = gpg.encrypt(plain, rsa, ['--compress-algo', 'none']);
    let read = 0;
    async function* counted(bytes: Uint8Array) {
      for await (const piece of pieces(bytes, 50_000)) {
        read += piece.length;
        yield piece;
      }
    }
    const output = decryptOpenpgp(counted(message), keys);
    const first = await output.next();
    expect(plain.subarray(0, first.value?.length)).toEqual(Buffer.from(first.value as Uint8Array));
    expect(read).toBeLessThan(message.length / 4);
    await output.return(undefined);

    // Changed at its end: nearly all of it has come out when that shows.
    const target = changed(message, message.length - 100);
    let seen = 0;
    await expect(async () => {
      for await (const chunk of decryptOpenpgp(pieces(target, 50_000), keys)) seen += chunk.length;
    }).rejects.toThrow('it was damaged or changed after it was encrypted');
    expect(seen).toBeGreaterThan(plain.length / 2);
  });
});

describe('messages with AEAD, as newer programs write them', () => {
  let keyFile: string;
  let seal: (aead: 'eax' | 'ocb' | 'gcm') => Promise<Buffer>;

  beforeEach(async () => {
    const pgp = await import('openpgp');
    const { privateKey, publicKey } = await pgp.generateKey({
      type: 'curve25519',
      userIDs: [{ email: 'a@example.com' }],
      format: 'armored',
      config: { aeadProtect: true, v6Keys: true },
    });
    keyFile = join(folder, 'key.asc');
    await writeFile(keyFile, privateKey);
    seal = async (aead) =>
      Buffer.from(
        await pgp.encrypt({
          message: await pgp.createMessage({ binary: Buffer.from(LINES) }),
          encryptionKeys: await pgp.readKey({ armoredKey: publicKey }),
          format: 'binary',
          config: { aeadProtect: true, preferredAEADAlgorithm: pgp.enums.aead[aead] },
        }),
      );
  });

  it.each(['eax', 'ocb', 'gcm'] as const)(
    'are read, and refused when a byte of them changed: %s',
    async (aead) => {
      const keys = await loadOpenpgpKeys({ privateKey: keyFile, passphrase: undefined });
      const sealed = await seal(aead);
      expect(String(await all(decryptOpenpgp(pieces(sealed), keys)))).toBe(LINES);
      for (const at of [1, 20, 40, 100]) {
        const bytes = Buffer.from(sealed);
        bytes[bytes.length - at] = (bytes[bytes.length - at] ?? 0) ^ 0x55;
        await expect(all(decryptOpenpgp(pieces(bytes), keys))).rejects.toThrow(/^it was damaged or changed/);
      }
    },
  );
});

describe('decrypted text', () => {
  /** A delivered file as a listing shows it, and the connector it came from. */
  async function delivered(name: string, bytes: Buffer) {
    const path = `voice_intents/version=1/format=jsonl/dt=2026-01-05/${name}`;
    await mkdir(join(folder, 'feeds', path, '..'), { recursive: true });
    await writeFile(join(folder, 'feeds', path), bytes);
    const connector = await local.open({ root: join(folder, 'feeds') });
    const parsed = parsePath(path);
    if (parsed.kind !== 'data') throw new Error(`${path} is no data file`);
    const listed = { path, bytes: bytes.length, etag: 'x' };
    const wanted: WantedFile = { ...listed, fileId: 1, name: parsed.file, partition: parsed.partition };
    return { connector, wanted };
  }

  /** Decrypts nothing; `meanwhile` is called once it has begun. */
  function passing(meanwhile: () => Promise<void>): Decryptor {
    return {
      prepare: async () => {},
      fingerprint: async () => 'none',
      async *decrypt(chunks) {
        yield* chunks;
        await meanwhile();
      },
    };
  }

  it('can be read by nobody else, and has no name of its own before it is proven', async () => {
    const { connector, wanted } = await delivered('voice_intents.jsonl.enc', Buffer.from(LINES));
    const landing = await Landing.open(join(folder, 'landing'), new Date());
    const seen: unknown[] = [];
    const file = await landing.land(connector, wanted, {
      decryptor: passing(async () => {
        for (const name of await readdir(landing.folder))
          seen.push([name.endsWith('.jsonl.part'), (await stat(join(landing.folder, name))).mode & 0o777]);
      }),
    });
    expect(seen).toEqual([[true, 0o600]]);
    expect((await stat(landing.folder)).mode & 0o777).toBe(0o700);
    expect((await stat(file.text)).mode & 0o777).toBe(0o600);
    await file.remove();
    expect(await readdir(landing.folder)).toEqual([]);
  });

  it('does not stay when it cannot be proven, nor when the run is stopped', async () => {
    const { connector, wanted } = await delivered('voice_intents.jsonl.enc', Buffer.from(LINES));
    const landing = await Landing.open(join(folder, 'landing'), new Date());
    const failing = passing(() => Promise.reject(new FileError('it was changed')));
    await expect(landing.land(connector, wanted, { decryptor: failing })).rejects.toThrow('it was changed');
    expect(await readdir(landing.folder)).toEqual([]);

    const controller = new AbortController();
    const stopping = passing(async () => controller.abort(new Error('stopped')));
    await expect(
      landing.land(connector, wanted, { decryptor: stopping, signal: controller.signal }),
    ).rejects.toThrow('stopped');
    expect(await readdir(landing.folder)).toEqual([]);
  });

  it('of a compressed file is proven, too, where the decompressor stops before the end', async () => {
    const padded = Buffer.concat([gzipSync(LINES), Buffer.alloc(10)]);
    const { connector, wanted } = await delivered('voice_intents.jsonl.gz.enc', padded);
    const landing = await Landing.open(join(folder, 'landing'), new Date());
    const failing = passing(() => Promise.reject(new FileError('it was changed')));
    await expect(landing.land(connector, wanted, { decryptor: failing })).rejects.toThrow(FileError);
    expect(await readdir(landing.folder)).toEqual([]);
  });

  it('of a run that was killed is removed by the next one', async () => {
    const unproven = `${'0'.repeat(32)}.jsonl.part`;
    const download = `${'0'.repeat(32)}.raw.part`;
    await mkdir(join(folder, 'landing'));
    for (const name of [unproven, download, 'mine.txt']) await writeFile(join(folder, 'landing', name), 'x');
    const landing = await Landing.open(join(folder, 'landing'), new Date());
    expect((await readdir(landing.folder)).sort()).toEqual([download, 'mine.txt']);
  });
});

describe('a program that decrypts', () => {
  const script = (text: string) => ({ command: [NODE, '-e', text], directory: folder });

  it('reads stdin, writes stdout, and runs beside warehouse.yaml', async () => {
    const upper = script(
      'process.stderr.write("noise"); process.stdin.on("data", (d) => process.stdout.write(String(d).toUpperCase())).on("end", () => process.stdout.write(process.cwd()))',
    );
    expect(String(await all(decryptByCommand(pieces(Buffer.from('abc')), upper)))).toBe(`ABC${folder}`);
  });

  it('is given all of a large file, even when it reads none of it', async () => {
    let read = 0;
    async function* counted() {
      for await (const piece of pieces(Buffer.alloc(3_000_000, 'x'), 100_000)) {
        read += piece.length;
        yield piece;
      }
    }
    const echo = script('process.stdin.pipe(process.stdout)');
    expect((await all(decryptByCommand(counted(), echo))).length).toBe(3_000_000);
    read = 0;
    await all(decryptByCommand(counted(), script('')));
    expect(read).toBe(3_000_000);
  });

  it('that fails is quoted by its last line', async () => {
    const failing = script('console.error("first\\nwhy it failed\\n"); process.exitCode = 7');
    await expect(all(decryptByCommand(pieces(Buffer.from('abc')), failing))).rejects.toThrow(
      `${NODE} ended with exit code 7: why it failed`,
    );
  });

  it('that ends badly after all of its output has failed', async () => {
    const failing = script('process.stdin.pipe(process.stdout); process.exitCode = 1');
    await expect(all(decryptByCommand(pieces(Buffer.from('abc')), failing))).rejects.toThrow('exit code 1');
  });

  it.each([
    ['is not there', './no-such-program', 'there is no program ./no-such-program'],
    ['is no program', './text', 'the program ./text cannot be started (EACCES)'],
  ])('that %s is named', async (_, program, message) => {
    await writeFile(join(folder, 'text'), 'text', { mode: 0o644 });
    await expect(
      all(decryptByCommand(pieces(Buffer.from('abc')), { command: [program], directory: folder })),
    ).rejects.toThrow(message);
  });

  it('that has ended while its child keeps the output is given up', { timeout: 20_000 }, async () => {
    const orphan = (stdio: string) =>
      script(
        `process.stdin.resume().on("end", () => { process.stdout.write("done"); require("child_process").spawn("sleep", ["15"], { stdio: ${stdio}, detached: true }).unref(); process.exit() })`,
      );
    const started = Date.now();
    const held = orphan('["ignore", "inherit", "ignore"]');
    await expect(all(decryptByCommand(pieces(Buffer.from('abc')), held, undefined, 2000))).rejects.toThrow(
      /has ended, and what it has started keeps its output open/,
    );
    // Nobody has to wait for what it may still complain about.
    const silent = orphan('["ignore", "ignore", "inherit"]');
    expect(String(await all(decryptByCommand(pieces(Buffer.from('abc')), silent, undefined, 2000)))).toBe(
      'done',
    );
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it('that does nothing for too long is stopped', async () => {
    const waiting = script('setInterval(() => {}, 1000)');
    await expect(all(decryptByCommand(pieces(Buffer.from('abc')), waiting, undefined, 300))).rejects.toThrow(
      `${NODE} did nothing for 0.3 s, and was stopped`,
    );
  });

  it('is stopped with the run, even when it ignores signals', async () => {
    const pidFile = join(folder, 'pid');
    const stubborn = script(
      `process.on("SIGTERM", () => {}); require("fs").writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); process.stdout.write("x"); setInterval(() => {}, 1000)`,
    );
    const controller = new AbortController();
    const output = decryptByCommand(pieces(Buffer.from('abc')), stubborn, controller.signal);
    await output.next();
    controller.abort(new Error('stopped'));
    await expect(output.next()).rejects.toThrow('stopped');
    const pid = Number(await readFile(pidFile, 'utf8'));
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  it('does not hide trouble with the file that it is given', async () => {
    async function* broken() {
      yield Buffer.from('abc');
      throw new Error('the disk is gone');
    }
    await expect(all(decryptorFor(script('process.stdin.resume()')).decrypt(broken()))).rejects.toThrow(
      'the disk is gone',
    );
  });
});

/** The same bytes but for one. */
function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 0x41;
  return copy;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
