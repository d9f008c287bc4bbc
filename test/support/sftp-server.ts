import { once } from 'node:events';
import type { Attributes, Connection, ServerConfig, SFTPWrapper } from 'ssh2';
import ssh2 from 'ssh2';
import type { SftpOptions } from '../../src/connectors/sftp/connector.ts';
import { fingerprintOf, freePort } from './sshd.ts';

export interface OddServer {
  /** Options for a connector to its root. */
  readonly options: SftpOptions;
  /** How many connections have come. */
  connections(): number;
  stop(): Promise<void>;
}

export const { STATUS_CODE: STATUS } = ssh2.utils.sftp;

/**
 * An SFTP server in this process that lets anybody in and answers as the test says: for what OpenSSH never does.
 * @param serve sets the answers of one channel, `sftp.on('OPENDIR', …)`; what it leaves out is answered with
 *   "operation unsupported". Left out: the server has no SFTP.
 */
export async function startOddServer(
  serve?: (sftp: SFTPWrapper) => void,
  config: Partial<ServerConfig> = {},
): Promise<OddServer> {
  const key = hostKey();
  const open = new Set<Connection>();
  let connections = 0;
  const server = new ssh2.Server({ ...config, hostKeys: [key.private] }, (client) => {
    connections++;
    open.add(client);
    client.on('close', () => open.delete(client));
    client.on('error', () => {});
    client.on('authentication', (attempt) => attempt.accept());
    client.on('session', (accept) => {
      const session = accept();
      if (serve) session.on('sftp', (acceptSftp) => serve(acceptSftp()));
    });
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    options: {
      host: '127.0.0.1',
      port,
      username: 'anybody',
      agent: false,
      hostKey: fingerprintOf(key.public),
      knownHosts: '/nowhere',
      root: '/',
    },
    connections: () => connections,
    stop: async () => {
      for (const client of open) client.end();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Attributes as a server sends them. */
export function attributes(kind: 'file' | 'folder' | 'link' | 'socket', size = 0, mtime = 1): Attributes {
  const type = { file: 0o100_000, folder: 0o040_000, link: 0o120_000, socket: 0o140_000 }[kind];
  return { mode: type | 0o755, uid: 0, gid: 0, size, atime: mtime, mtime };
}

/** Serves folders held in memory: path to the names in it. A name that is no folder is an empty file. */
export function serveFolders(sftp: SFTPWrapper, folders: Record<string, string[]>): void {
  const at = (path: string, name: string) => `${path === '/' ? '' : path}/${name}`;
  const opened = new Map<string, string[]>();
  const look = (id: number, path: string) => sftp.attrs(id, attributes(path in folders ? 'folder' : 'file'));
  sftp.on('STAT', look);
  sftp.on('OPENDIR', (id, path) => {
    if (!(path in folders)) return sftp.status(id, STATUS.NO_SUCH_FILE);
    const names = folders[path] as string[];
    const handle = `${path}#${id}`;
    opened.set(handle, [...names]);
    sftp.handle(id, Buffer.from(handle));
  });
  sftp.on('READDIR', (id, handle) => {
    const path = handle.toString().replace(/#\d+$/, '');
    const names = opened.get(handle.toString())?.splice(0, 2) ?? [];
    if (names.length === 0) return sftp.status(id, STATUS.EOF);
    sftp.name(
      id,
      names.map((filename) => ({
        filename,
        longname: filename,
        attrs: attributes(at(path, filename) in folders ? 'folder' : 'file'),
      })),
    );
  });
  sftp.on('CLOSE', (id) => sftp.status(id, STATUS.OK));
}

/** ssh2 writes some of its new keys in a way that it cannot read itself. */
function hostKey() {
  for (;;) {
    const key = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(key.private) instanceof Error)) return key;
  }
}
