import { homedir } from 'node:os';
import { z } from 'zod';
import { absolutePath } from '../files.ts';
import type { Bounds, Connector, ConnectorDefinition } from './connector.ts';
import { PATIENCE, type Patience } from './retry.ts';
import { SftpConnector, type SftpOptions } from './sftp/connector.ts';

const keys = z.strictObject({
  host: z.string().min(1).describe('The name or address of the server, such as prod-data-sftp.asapp.com.'),
  port: z.int().min(1).max(65_535).default(22).describe('The port of the server.'),
  username: z
    .string()
    .min(1)
    .describe('The name to log in with: for ASAPP, sftp and the name of your company.'),
  private_key: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The file with the private key. Relative to the folder of warehouse.yaml; ~/ is your home. Left out: the keys of the ssh-agent.',
    ),
  passphrase: z.string().min(1).optional().describe('What opens the private key, where it is encrypted.'),
  agent: z
    .boolean()
    .optional()
    .describe(
      'Whether to log in with the keys of the ssh-agent (SSH_AUTH_SOCK). Left out: when there is no private_key.',
    ),
  known_hosts: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The file that the key of the server must be in. Left out: ~/.ssh/known_hosts, unless host_key is set.',
    ),
  host_key: z
    .string()
    .regex(
      /^SHA256:[A-Za-z0-9+/]{43}$/,
      'must be a fingerprint such as ssh-keygen -l prints: SHA256: and 43 characters',
    )
    .optional()
    .describe('The fingerprint that the key of the server must have: SHA256:…'),
  root: z.string().min(1).default('/').describe('The folder on the server that holds the feeds.'),
});

type Keys = z.infer<typeof keys>;

/** A server may take longer to let somebody in than to answer afterwards. */
const SFTP_PATIENCE: Patience = { ...PATIENCE, connectMs: 20_000 };

/** Feeds on an SFTP server, as ASAPP delivers its messaging feeds. */
export const sftp: ConnectorDefinition<Keys, SftpOptions> = {
  name: 'sftp',
  keys,
  defaultGroup: 'messaging',
  secrets: ['passphrase'],
  resolve: (input, { directory }) => {
    const problems = conflicts(input);
    if (problems.length > 0) return { problems };
    const file = (path: string) => absolutePath(path, directory, homedir());
    return {
      host: input.host,
      port: input.port,
      username: input.username,
      privateKey: input.private_key === undefined ? undefined : file(input.private_key),
      passphrase: input.passphrase,
      agent: input.agent ?? input.private_key === undefined,
      hostKey: input.host_key,
      knownHosts: file(input.known_hosts ?? '~/.ssh/known_hosts'),
      root: input.root,
    };
  },
  open: (options, bounds) => openSftp(options, SFTP_PATIENCE, bounds),
  server: ({ host, port }) => ({ host, port, tls: false }),
};

/** Connects. Tests pass shorter time-outs. */
export async function openSftp(
  options: SftpOptions,
  patience = SFTP_PATIENCE,
  bounds: Bounds = {},
): Promise<Connector> {
  const connector = new SftpConnector(options, patience, bounds);
  try {
    await connector.requireRoot();
  } catch (error) {
    await connector[Symbol.asyncDispose]();
    throw error;
  }
  return connector;
}

function conflicts(input: Keys): { key: string; message: string }[] {
  const problems = [];
  if (input.private_key === undefined && input.agent === false)
    problems.push({
      key: 'agent',
      message: 'must not be false without a private_key: nothing is left to log in with',
    });
  if (input.private_key === undefined && input.passphrase !== undefined)
    problems.push({ key: 'passphrase', message: 'must not be set without the private_key that it opens' });
  if (input.known_hosts !== undefined && input.host_key !== undefined)
    problems.push({ key: 'host_key', message: 'must not be set beside known_hosts: one of them decides' });
  return problems;
}
