import { readFile } from 'node:fs/promises';
import { SourceError } from '../../errors.ts';

/** How to log in, as configured. */
export interface IdentityOptions {
  username: string;
  /** The file with the private key, absolute. */
  privateKey?: string;
  passphrase?: string;
  /** Whether to offer the keys of the ssh-agent. */
  agent: boolean;
}

/** The credentials to log in with. */
export interface Identity {
  username: string;
  privateKey?: Buffer;
  passphrase?: string;
  /** The socket of the ssh-agent. */
  agent?: string;
}

/**
 * Reads the private key and finds the ssh-agent.
 * @param environment where SSH_AUTH_SOCK may be
 * @throws SourceError when the file cannot be read or there is no agent
 */
export async function loadIdentity(
  { username, privateKey, passphrase, agent }: IdentityOptions,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Identity> {
  const identity: Identity = { username };
  if (privateKey !== undefined) identity.privateKey = await readKey(privateKey);
  if (passphrase !== undefined) identity.passphrase = passphrase;
  if (agent) {
    const socket = environment.SSH_AUTH_SOCK;
    if (!socket)
      throw new SourceError(
        privateKey === undefined
          ? 'there is nothing to log in with: no private_key, and no ssh-agent (SSH_AUTH_SOCK is not set)'
          : 'agent is true, but there is no ssh-agent (SSH_AUTH_SOCK is not set)',
        {
          hint: 'Set private_key of this source in warehouse.yaml, or start an ssh-agent and ssh-add the key.',
        },
      );
    identity.agent = socket;
  }
  return identity;
}

async function readKey(path: string): Promise<Buffer> {
  let key: Buffer;
  try {
    key = await readFile(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new SourceError(`the private key ${path} is not there`, {
        hint: 'Correct private_key of this source in warehouse.yaml; make a key with: ssh-keygen -t ed25519',
        cause,
      });
    throw new SourceError(`cannot read the private key ${path}: ${message}`, {
      hint: 'private_key is the path of a file that the user who runs this command can read.',
      cause,
    });
  }
  if (/^(?:ssh-|ecdsa-|---- BEGIN SSH2 PUBLIC KEY)/.test(key.toString('latin1', 0, 100)))
    throw new SourceError(`${path} is a public key`, {
      hint: `private_key is the other half: ${path.replace(/\.pub$/, '')} by its usual name.`,
    });
  return key;
}

/**
 * What is wrong with a private key, from what `ssh2` says when it parses it.
 * @returns undefined when the error is about something else
 */
export function keyProblem(
  message: string,
  { privateKey: path, passphrase }: IdentityOptions,
): SourceError | undefined {
  if (!/^Cannot parse privateKey|valid\) private key/.test(message)) return undefined;
  if (passphrase === undefined && /no passphrase/i.test(message))
    return new SourceError(`the private key ${path} is encrypted and needs its passphrase`, {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what the reader is to write
      hint: 'Set passphrase of this source in warehouse.yaml to a variable, such as ${ASAPP_SFTP_PASSPHRASE}, or load the key into an ssh-agent and leave private_key out.',
    });
  if (passphrase !== undefined && /passphrase|bad decrypt|integrity/i.test(message))
    return new SourceError(`the passphrase does not open the private key ${path}`, {
      hint: `Try it with: ssh-keygen -y -f ${path}`,
    });
  return new SourceError(`${path} is not a private key that can be read here`, {
    hint: `It must be in the format of OpenSSH, PEM or PuTTY. OpenSSH rewrites many others with: ssh-keygen -p -f ${path}`,
  });
}
