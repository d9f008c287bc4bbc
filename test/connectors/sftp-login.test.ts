import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SftpOptions } from '../../src/connectors/sftp/connector.ts';
import { openSftp } from '../../src/connectors/sftp.ts';
import { SourceError } from '../../src/errors.ts';
import { startOddServer } from '../support/sftp-server.ts';
import {
  fingerprintOf,
  freePort,
  hasSshd,
  optionsFor,
  PASSPHRASE,
  type Sshd,
  startSshd,
} from '../support/sshd.ts';
import { collect, rejection } from './contract.ts';

const run = promisify(execFile);
const impatient = { connectMs: 5000, stallMs: 5000, attempts: 1, backoffMs: 1 };

describe.skipIf(!hasSshd)('logging in to OpenSSH', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
    await writeFile(join(sshd.data, 'there.txt'), 'x');
  }, 30_000);
  afterAll(() => sshd?.stop());
  afterEach(() => vi.unstubAllEnvs());

  async function works(changes: Partial<SftpOptions>): Promise<void> {
    await using connector = await openSftp({ ...optionsFor(sshd), ...changes }, impatient);
    expect((await collect(connector.entries(''))).map(({ name }) => name)).toEqual(['there.txt']);
  }

  /** The error of a connection that must not come about, as a person reads it. */
  async function refused(changes: Partial<SftpOptions>): Promise<SourceError> {
    const error = await rejection(openSftp({ ...optionsFor(sshd), ...changes }, impatient));
    expect(error).toBeInstanceOf(SourceError);
    return error as SourceError;
  }

  describe('with a key', () => {
    it.each(['ed25519', 'rsa'] as const)('works when it is of type %s', async (type) => {
      await works({ privateKey: sshd.keys[type] });
    });

    it('works when a passphrase opens it', async () => {
      await works({ privateKey: sshd.keys.encrypted, passphrase: PASSPHRASE });
    });

    it.each([
      ['OpenSSL', 'PEM'],
      ['OpenSSH', 'RFC4716'],
    ])('works in the format of %s, but only with its passphrase', async (_, format) => {
      const key = await copyOf('rsa', `${format}-key`);
      await run('ssh-keygen', ['-q', '-p', '-m', format, '-P', '', '-N', PASSPHRASE, '-a', '4', '-f', key]);
      await works({ privateKey: key, passphrase: PASSPHRASE });
      expect((await refused({ privateKey: key, passphrase: 'wrong' })).message).toBe(
        `the passphrase does not open the private key ${key}`,
      );
      expect((await refused({ privateKey: key })).message).toBe(
        `the private key ${key} is encrypted and needs its passphrase`,
      );
    });

    it('says that the passphrase is wrong, without showing it', async () => {
      const error = await refused({ privateKey: sshd.keys.encrypted, passphrase: 'hunter2hunter2' });
      expect(error.message).toBe(`the passphrase does not open the private key ${sshd.keys.encrypted}`);
      expect(error.retryable).toBe(false);
      expect(everythingIn(error)).not.toContain('hunter2');
    });

    it('says that the passphrase is missing', async () => {
      const error = await refused({ privateKey: sshd.keys.encrypted });
      expect(error.message).toBe(
        `the private key ${sshd.keys.encrypted} is encrypted and needs its passphrase`,
      );
      expect(error.hint).toContain('Set passphrase');
    });

    it('says that the file is not there, is a folder, a public key or no key', async () => {
      const garbage = join(sshd.folder, 'garbage');
      await writeFile(garbage, 'hello\n');
      const message = async (privateKey: string) => (await refused({ privateKey })).message;
      expect(await message('/nowhere/key')).toBe('the private key /nowhere/key is not there');
      expect(await message(sshd.data)).toMatch(/^cannot read the private key .*EISDIR/);
      expect(await message(`${sshd.keys.ed25519}.pub`)).toBe(`${sshd.keys.ed25519}.pub is a public key`);
      expect(await message(garbage)).toBe(`${garbage} is not a private key that can be read here`);
    });

    it('says that the server does not let this key in', async () => {
      const stranger = join(sshd.folder, 'stranger');
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', stranger]);
      const error = await refused({ privateKey: stranger });
      expect(error.message).toBe(
        `[127.0.0.1]:${sshd.port} does not let ${sshd.username} in with the key ${stranger}`,
      );
      expect(error.hint).toContain(`ssh-keygen -y -f ${stranger}`);
      expect(error.retryable).toBe(false);
    });

    it('says that the server does not let this user in', async () => {
      const error = await refused({ username: 'nobody-of-that-name' });
      expect(error.message).toContain('does not let nobody-of-that-name in with the key');
    });
  });

  describe('with the ssh-agent', () => {
    let socket: string;
    let agent: string;

    beforeAll(async () => {
      socket = join(sshd.folder, 'agent');
      const { stdout } = await run('ssh-agent', ['-a', socket]);
      agent = /SSH_AGENT_PID=(\d+)/.exec(stdout)?.[1] as string;
    });
    afterAll(() => {
      if (agent) process.kill(Number(agent));
    });

    it('works with one of its keys, and says when the server lets in none of them', async () => {
      vi.stubEnv('SSH_AUTH_SOCK', socket);
      const error = await refused({ privateKey: undefined, agent: true });
      expect(error.message).toContain(`does not let ${sshd.username} in with any key of the ssh-agent`);
      await run('ssh-add', ['-q', sshd.keys.rsa], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
      await works({ privateKey: undefined, agent: true });
    });

    it('says that there is no agent, or that it does not answer', async () => {
      vi.stubEnv('SSH_AUTH_SOCK', undefined);
      expect((await refused({ privateKey: undefined, agent: true })).message).toContain(
        'SSH_AUTH_SOCK is not set',
      );
      vi.stubEnv('SSH_AUTH_SOCK', join(sshd.folder, 'nothing'));
      expect((await refused({ privateKey: undefined, agent: true })).message).toContain(
        'the ssh-agent does not answer',
      );
    });
  });

  describe('when it checks the key of the server', () => {
    const byFile = async (...lines: string[]) => {
      const knownHosts = join(sshd.folder, `known_hosts.${randomBytes(4).toString('hex')}`);
      await writeFile(knownHosts, lines.map((line) => `${line}\n`).join(''));
      return { hostKey: undefined, knownHosts };
    };
    const here = () => `[127.0.0.1]:${sshd.port}`;
    const stranger = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';

    it('accepts a key that known_hosts has, plain or hashed by ssh-keygen, of any type', async () => {
      await works(await byFile(`${here()} ${sshd.hostKeys.ed25519}`));
      const rsaOnly = await byFile(`other,${here()} ${sshd.hostKeys.rsa}`);
      await works(rsaOnly);
      await run('ssh-keygen', ['-q', '-H', '-f', rsaOnly.knownHosts]);
      expect(await readFile(rsaOnly.knownHosts, 'utf8')).toMatch(/^\|1\|/);
      await works(rsaOnly);
    });

    it('accepts the key that host_key fixes, of any type', async () => {
      await works({ hostKey: fingerprintOf(sshd.hostKeys.ed25519) });
      await works({ hostKey: fingerprintOf(sshd.hostKeys.rsa) });
    });

    it('refuses a key that known_hosts does not have, shows it and says how to accept it', async () => {
      const shown = fingerprintOf(sshd.hostKeys.ed25519);
      for (const trust of [await byFile(), { hostKey: undefined, knownHosts: '/nowhere/known hosts' }]) {
        const error = await refused(trust);
        expect(error.message).toBe(
          `the host key of ${here()} is not known: it is ssh-ed25519 ${shown}, and ${trust.knownHosts} has none for it`,
        );
        expect(error.retryable).toBe(false);
        expect(error.hint).toContain(`host_key: "${shown}"`);
        expect(error.hint).toContain(`ssh-keyscan -t ed25519 -p ${sshd.port} 127.0.0.1 >> `);
      }
    });

    it('accepts the key once either advice was followed', async () => {
      const trust = await byFile();
      const hint = (await refused(trust)).hint as string;
      await works({ ...trust, hostKey: /host_key: "([^"]+)"/.exec(hint)?.[1] });
      await run('sh', ['-c', /run: (ssh-keyscan .*)$/.exec(hint)?.[1] as string]);
      await works(trust);
    });

    it('refuses a key that has changed, and says so', async () => {
      const trust = await byFile('# comment', `${here()} ${stranger}`);
      const error = await refused(trust);
      expect(error.message).toContain(`the host key of ${here()} has changed`);
      expect(error.message).toContain(fingerprintOf(sshd.hostKeys.ed25519));
      expect(error.message).toContain(`${trust.knownHosts}:2 has ${fingerprintOf(stranger)}`);
      expect(error.hint).toContain(`ssh-keygen -R '${here()}' -f ${trust.knownHosts}`);
    });

    it('refuses a key that is not the one of host_key', async () => {
      const error = await refused({ hostKey: fingerprintOf(stranger) });
      expect(error.message).toBe(
        `the host key of ${here()} is ssh-ed25519 ${fingerprintOf(sshd.hostKeys.ed25519)}, not the ${fingerprintOf(stranger)} of host_key`,
      );
    });

    it('refuses a revoked key', async () => {
      const trust = await byFile(`${here()} ${sshd.hostKeys.ed25519}`, `@revoked * ${sshd.hostKeys.ed25519}`);
      expect((await refused(trust)).message).toContain(`${trust.knownHosts}:2 says is revoked`);
    });

    it('says that certificate authorities are not used', async () => {
      const trust = await byFile(`@cert-authority * ${stranger}`);
      expect((await refused(trust)).message).toContain(
        `the @cert-authority of ${trust.knownHosts}:1 is left aside`,
      );
    });

    it('never sends the key of the user to a server that it does not know', async () => {
      const before = sshd.log().length;
      await refused(await byFile());
      expect(sshd.log().slice(before)).not.toContain('publickey');
    });
  });

  describe('at a wrong place', () => {
    it('says that nobody listens there', async () => {
      const error = await refused({ port: await freePort() });
      expect(error.message).toMatch(/^\[127\.0\.0\.1\]:\d+ refuses the connection$/);
      expect(error.retryable).toBe(true);
    });

    it('says that there is no such host', async () => {
      const error = await refused({ host: 'nowhere.invalid' });
      expect(error.message).toMatch(/nowhere\.invalid/);
    });

    it('says that something else answers there, or nothing', async () => {
      const web = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      expect((await refused({ port: web.port })).message).toContain(
        `cannot connect to [127.0.0.1]:${web.port}`,
      );
      await web.close();
      const mute = await listen(() => {});
      const quick = { ...impatient, connectMs: 100 };
      const error = await rejection(openSftp({ ...optionsFor(sshd), port: mute.port }, quick));
      expect((error as SourceError).message).toBe(`[127.0.0.1]:${mute.port} did not answer for 0.1 s`);
      await mute.close();
    });

    it('says that the server has no SFTP, or only algorithms of long ago', async () => {
      const shell = await startOddServer();
      expect((await refused(shell.options)).message).toContain('lets anybody in, but does not offer SFTP');
      await shell.stop();
      const old = await startOddServer(undefined, { algorithms: { kex: ['diffie-hellman-group1-sha1'] } });
      expect((await refused(old.options)).message).toContain(
        'have no cipher, key exchange or host key type in common',
      );
      await old.stop();
    });

    it('says that the root is not there, or is not a folder', async () => {
      const nowhere = join(sshd.data, 'nowhere');
      expect((await refused({ root: nowhere })).message).toBe(`there is no folder ${nowhere} on 127.0.0.1`);
      const file = join(sshd.data, 'there.txt');
      expect((await refused({ root: file })).message).toBe(`${file} on 127.0.0.1 is not a folder`);
    });
  });

  it('gives a location that shows no secrets', async () => {
    await using connector = await openSftp({ ...optionsFor(sshd), passphrase: 'unused-secret' }, impatient);
    expect(connector.location).toBe(`sftp://${sshd.username}@127.0.0.1:${sshd.port}${sshd.data}`);
  });

  async function copyOf(key: keyof Sshd['keys'], name: string): Promise<string> {
    const copy = join(sshd.folder, name);
    await writeFile(copy, await readFile(sshd.keys[key]), { mode: 0o600 });
    return copy;
  }
});

/** Everything of an error that could come to be printed. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [error.message, error.stack, (error as SourceError).hint, everythingIn(error.cause)].join('\n');
}

async function listen(serve: Parameters<typeof createServer>[1] & object) {
  const port = await freePort();
  const server: Server = createServer(serve as () => void);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { port, close: async () => void server.close() };
}
