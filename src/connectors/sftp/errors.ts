import { SourceError, WarehouseError } from '../../errors.ts';
import { type IdentityOptions, keyProblem } from './identity.ts';
import { hostName } from './known-hosts.ts';
import { hasStatus, STATUS } from './session.ts';

/** The server and the user. */
export interface ServerOptions extends IdentityOptions {
  host: string;
  port: number;
}

const NETWORK = 'When this goes on, ask those who run the server or the network.';

/** Explains why the connection failed, from the error of the socket or of `ssh2`. */
export function explainConnect(cause: Error, server: ServerOptions): SourceError {
  const { code, level } = cause as { code?: unknown; level?: unknown };
  const name = hostName(server.host, server.port);
  const error = (message: string, hint: string, retryable = false) =>
    new SourceError(message, { hint, retryable, cause });

  const key = keyProblem(cause.message, server);
  if (key) return key;
  if (code === 'ENOTFOUND')
    return error(`there is no host ${server.host}`, 'Correct host of this source in warehouse.yaml.');
  if (code === 'ECONNREFUSED')
    return error(
      `${name} refuses the connection`,
      'Correct host and port of this source in warehouse.yaml, or wait until the server is up.',
      true,
    );
  if (level === 'client-authentication' || /too many authentication failures/i.test(cause.message))
    return error(
      `${name} does not let ${server.username} in with ${offered(server)}`,
      `Correct username and key of this source in warehouse.yaml, and see that those who run the server have the public key. ${SHOW[server.privateKey === undefined ? 'agent' : 'file'](server)}`,
    );
  if (level === 'agent')
    return error(
      `the ssh-agent does not answer: ${cause.message}`,
      'See that it runs: ssh-add -l. Or set private_key of this source in warehouse.yaml.',
    );
  if (/no matching/i.test(cause.message))
    return error(
      `${name} and this program have no cipher, key exchange or host key type in common: ${cause.message}`,
      'Ask those who run the server for algorithms of today.',
    );
  if (/subsystem|open failure/i.test(cause.message))
    return error(
      `${name} lets ${server.username} in, but does not offer SFTP: ${cause.message}`,
      'Ask those who run the server to turn SFTP on for this user.',
    );
  // For a host with several addresses the error is an AggregateError with an empty message.
  return error(`cannot connect to ${name}: ${cause.message || code}`, NETWORK, true);
}

/** The error for a connection that got no answer. */
export function noAnswer(server: ServerOptions, waitedMs: number): SourceError {
  return new SourceError(`${hostName(server.host, server.port)} did not answer for ${waitedMs / 1000} s`, {
    hint: 'Look at host and port of this source in warehouse.yaml, and whether a firewall lets this machine out to it and it lets this machine in.',
    retryable: true,
  });
}

/** Explains why a request about `path` failed. */
export function explainRequest(cause: unknown, server: ServerOptions, path: string): WarehouseError {
  if (cause instanceof WarehouseError) return cause;
  if (hasStatus(cause, STATUS.permissionDenied))
    return new SourceError(`no permission to read ${path} on ${hostName(server.host, server.port)}`, {
      hint: `Ask those who run the server to let ${server.username} read it.`,
      cause,
    });
  const { code, message } = cause as { code?: unknown; message: string };
  if (typeof code !== 'number')
    return new SourceError(`lost the connection to ${hostName(server.host, server.port)}: ${message}`, {
      hint: NETWORK,
      retryable: true,
      cause,
    });
  return new SourceError(`${hostName(server.host, server.port)} cannot read ${path}: ${message}`, {
    retryable: true,
    cause,
  });
}

function offered({ privateKey, agent }: IdentityOptions): string {
  if (privateKey === undefined) return 'any key of the ssh-agent';
  return agent ? `the key ${privateKey} or any of the ssh-agent` : `the key ${privateKey}`;
}

const SHOW = {
  file: ({ privateKey }: IdentityOptions) => `It is printed by: ssh-keygen -y -f ${privateKey}`,
  agent: () => 'The agent shows its keys with: ssh-add -L',
};
