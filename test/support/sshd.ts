import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { SftpOptions } from '../../src/connectors/sftp/connector.ts';
import { fingerprint } from '../../src/connectors/sftp/known-hosts.ts';
import { cpuSecondsOf } from './cpu.ts';

/**
 * OpenSSH's server on a loopback port, for one test file: its own folder, keys and log. It lets in the user that runs
 * the tests, by key only, and gives nothing but SFTP.
 */
export interface Sshd {
  readonly port: number;
  readonly username: string;
  /** The folder that is served, as the server names it: the whole file system is visible, as this user. */
  readonly data: string;
  /** A folder for keys and known_hosts files of the test. */
  readonly folder: string;
  /** Private keys that it lets in. */
  readonly keys: { readonly ed25519: string; readonly rsa: string; readonly encrypted: string };
  /** Public halves of its own keys, as a line `TYPE BASE64`. */
  readonly hostKeys: { readonly ed25519: string; readonly rsa: string };
  /** What it has written to its log so far. */
  log(): string;
  /** Kills the processes that serve the connections of now; new ones are let in. */
  killSessions(): Promise<void>;
  /** CPU time of it and all its sessions so far, in seconds; 0 where there is no /proc. */
  cpuSeconds(): Promise<number>;
  stop(): Promise<void>;
}

export const PASSPHRASE = 'correct horse';

const BINARY = ['/usr/sbin/sshd', '/usr/bin/sshd'].find(existsSync);

/** Where there is no sshd the tests are skipped; in CI that must not go unseen, and they fail. */
export const hasSshd = BINARY !== undefined || Boolean(process.env.CI);

const run = promisify(execFile);

/** @throws when sshd is not installed, or does not come up */
export async function startSshd(): Promise<Sshd> {
  if (!BINARY) throw new Error('sshd is not installed: apt-get install openssh-server');
  const folder = await mkdtemp(join(tmpdir(), 'sshd-'));
  const data = join(folder, 'data');
  await mkdir(data);
  const key = async (name: string, type: string, passphrase = '') => {
    const path = join(folder, name);
    // Few rounds: what it takes to open the key is not what is tested.
    await run('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-a', '4', '-C', name, '-f', path]);
    return path;
  };
  const [ed25519, rsa, encrypted, hostEd25519, hostRsa] = await Promise.all([
    key('user_ed25519', 'ed25519'),
    key('user_rsa', 'rsa'),
    key('user_encrypted', 'ed25519', PASSPHRASE),
    key('host_ed25519', 'ed25519'),
    key('host_rsa', 'rsa'),
  ]);
  const publicKeys = await Promise.all(
    [ed25519, rsa, encrypted].map((path) => readFile(`${path}.pub`, 'utf8')),
  );
  await writeFile(join(folder, 'authorized_keys'), publicKeys.join(''));
  await chmod(folder, 0o755);
  const publicHalf = async (path: string) => (await readFile(`${path}.pub`, 'utf8')).split(' ', 2).join(' ');
  const hostKeys = { ed25519: await publicHalf(hostEd25519), rsa: await publicHalf(hostRsa) };

  // sshd insists on this folder when root starts it.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const { port, server, log } = await listening(folder, [hostEd25519, hostRsa]);
  return {
    port,
    username: userInfo().username,
    data,
    folder,
    keys: { ed25519, rsa, encrypted },
    hostKeys,
    log,
    killSessions: async () => {
      for (const pid of await children(server.pid as number)) kill(pid);
    },
    cpuSeconds: async () => {
      const pid = server.pid as number;
      const times = await Promise.all([pid, ...(await children(pid))].map(cpuSecondsOf));
      return times.reduce((sum, seconds) => sum + seconds, 0);
    },
    stop: async () => {
      const sessions = await children(server.pid as number);
      const stopped = once(server, 'exit');
      server.kill();
      await stopped;
      for (const pid of sessions) kill(pid);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What the connector's `resolve` gives for this server: a key without passphrase, and the server's key fixed. */
export function optionsFor(sshd: Sshd): SftpOptions {
  return {
    host: '127.0.0.1',
    port: sshd.port,
    username: sshd.username,
    privateKey: sshd.keys.ed25519,
    agent: false,
    hostKey: fingerprintOf(sshd.hostKeys.ed25519),
    knownHosts: join(sshd.folder, 'known_hosts'),
    root: sshd.data,
  };
}

/** The fingerprint of a public key given as `TYPE BASE64`. */
export function fingerprintOf(publicKey: string): string {
  return fingerprint(Buffer.from(publicKey.split(' ')[1] ?? '', 'base64'));
}

/** Starts sshd on a port that is free; another one may take it in between, so several times. */
async function listening(folder: string, hostKeys: string[]) {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const config = join(folder, 'sshd_config');
    await writeFile(config, configuration(folder, port, hostKeys));
    const server = spawn(BINARY as string, ['-D', '-e', '-f', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    server.stderr.on('data', (data) => {
      log += data;
    });
    if (await isUp(server, port)) return { port, server, log: () => log };
    if (attempt === 5) throw new Error(`sshd does not come up:\n${log}`);
  }
}

function configuration(folder: string, port: number, hostKeys: string[]): string {
  return `${[
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    ...hostKeys.map((path) => `HostKey ${path}`),
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    'PidFile none',
    // The tests' folders lie in a place that all may write to.
    'StrictModes no',
    'UsePAM no',
    'PubkeyAuthentication yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
    'ForceCommand internal-sftp',
  ].join('\n')}\n`;
}

async function isUp(server: ChildProcess, port: number): Promise<boolean> {
  for (let waited = 0; waited < 5000 && server.exitCode === null; waited += 20) {
    const socket = connect(port, '127.0.0.1');
    const answered = await Promise.race([
      once(socket, 'data').then(
        () => true,
        () => false,
      ),
      sleep(1000, false),
    ]);
    socket.destroy();
    if (answered) return true;
    await sleep(20);
  }
  server.kill();
  return false;
}

/** A free port below the ones that systems give to clients. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** The processes below a process: sshd makes two for a connection. */
async function children(pid: number): Promise<number[]> {
  const { stdout } = await run('pgrep', ['-P', String(pid)]).catch(() => ({ stdout: '' }));
  const own = stdout.split('\n').filter(Boolean).map(Number);
  return [...own, ...(await Promise.all(own.map(children))).flat()];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
