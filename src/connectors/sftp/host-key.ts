import { readFile } from 'node:fs/promises';
import { SourceError } from '../../errors.ts';
import {
  fingerprint,
  hostName,
  type KnownHost,
  keyType,
  knownTypes,
  matchHostKey,
  parseKnownHosts,
} from './known-hosts.ts';

interface Host {
  host: string;
  port: number;
}

/** Where the expected key of a server is recorded. */
export type Trust =
  /** `host_key` of the source: the fingerprint, `SHA256:…`. */
  | { fixed: string }
  /** `known_hosts` of the source: the file, read. */
  | { file: string; entries: readonly KnownHost[] };

/** The host key algorithms that can be checked, preferred ones first, by key type. */
const ALGORITHMS = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
} as const;

export type HostKeyType = keyof typeof ALGORITHMS;
export type HostKeyAlgorithm = (typeof ALGORITHMS)[HostKeyType][number];

/** @throws SourceError when the known_hosts file is there and cannot be read */
export async function loadTrust(options: { hostKey?: string; knownHosts: string }): Promise<Trust> {
  if (options.hostKey !== undefined) return { fixed: options.hostKey };
  const file = options.knownHosts;
  try {
    return { file, entries: parseKnownHosts(await readFile(file, 'utf8')) };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    // No key has been recorded yet. The server's key is then reported, with how to accept it.
    if (code === 'ENOENT') return { file, entries: [] };
    throw new SourceError(`cannot read the known_hosts file ${file}: ${message}`, { cause });
  }
}

/** The key types to request from the server, those with a known key first: a server has several keys and shows one. */
export function wantedTypes(trust: Trust, { host, port }: Host): HostKeyType[] {
  const known = 'fixed' in trust ? [] : knownTypes(trust.entries, host, port);
  const types = Object.keys(ALGORITHMS) as HostKeyType[];
  return [...types.filter((type) => known.includes(type)), ...types.filter((type) => !known.includes(type))];
}

export function algorithmsOf(types: readonly HostKeyType[]): HostKeyAlgorithm[] {
  return types.flatMap((type) => [...ALGORITHMS[type]]);
}

/**
 * Checks the key that a server shows.
 * @returns undefined when it is the expected one; else an error with its fingerprint and how to accept it
 */
export function hostKeyError(trust: Trust, { host, port }: Host, key: Buffer): SourceError | undefined {
  const name = hostName(host, port);
  const shown = `${keyType(key) ?? 'unknown type'} ${fingerprint(key)}`;
  if ('fixed' in trust) {
    if (fingerprint(key) === trust.fixed) return undefined;
    return new SourceError(`the host key of ${name} is ${shown}, not the ${trust.fixed} of host_key`, {
      hint: `${ASK} Only when they confirm the new one, write in this source in warehouse.yaml: host_key: "${fingerprint(key)}"`,
    });
  }

  const { file, entries } = trust;
  const verdict = matchHostKey(entries, host, port, key);
  const accept =
    `write in this source in warehouse.yaml: host_key: "${fingerprint(key)}", ` +
    `or run: ssh-keyscan -t ${scanType(key)} -p ${port} ${host} >> ${quoted(file)}`;
  switch (verdict.kind) {
    case 'known':
      return undefined;
    case 'revoked':
      return new SourceError(
        `the host key of ${name} is ${shown}, which ${file}:${verdict.entry.line} says is revoked`,
        { hint: `${ASK} It must get another key.` },
      );
    case 'changed':
      return new SourceError(
        `the host key of ${name} has changed: it is ${shown} now, and ` +
          `${file}:${verdict.entry.line} has ${fingerprint(verdict.entry.key)}. Somebody may be in between.`,
        {
          hint: `${ASK} Only when they confirm the new one, run: ssh-keygen -R ${quoted(name)} -f ${quoted(file)} and ${accept}`,
        },
      );
    case 'unknown':
      return new SourceError(
        `the host key of ${name} is not known: it is ${shown}${unknownKeyReason(file, verdict)}`,
        {
          hint: `${ASK} When it is that one, ${accept}`,
        },
      );
  }
}

const ASK = 'Compare the fingerprint with the one that those who run the server tell you.';

function unknownKeyReason(
  file: string,
  { others, authority }: { others: readonly KnownHost[]; authority: KnownHost | undefined },
): string {
  if (others.length > 0) {
    const list = others.map(({ type, line }) => `${type} (line ${line})`).join(', ');
    return `, and ${file} has only keys of other types for it, which it did not show: ${list}`;
  }
  if (authority)
    return `; the @cert-authority of ${file}:${authority.line} is left aside, since certificates of hosts are not read here`;
  return `, and ${file} has none for it`;
}

/** What `ssh-keyscan -t` calls the type of a key. */
function scanType(key: Buffer): string {
  const type = keyType(key) ?? '';
  if (type.startsWith('ecdsa')) return 'ecdsa';
  return type.replace(/^ssh-/, '');
}

/** A word quoted for a shell. */
function quoted(word: string): string {
  return /^[\w./~:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
