import { createHash, createHmac } from 'node:crypto';

/**
 * The `known_hosts` file of OpenSSH, as sshd(8) describes it under SSH_KNOWN_HOSTS FILE FORMAT. Pure.
 */

/** One line of the file that names a key. */
export interface KnownHost {
  /** 1-based. */
  line: number;
  /** `revoked`: this key must never be accepted. `cert-authority`: it signs other keys and is not a host's own. */
  marker?: 'revoked' | 'cert-authority';
  /** Patterns with commas between them, or one hash: `|1|SALT|HASH`. */
  hosts: string;
  /** Such as `ssh-ed25519`. */
  type: string;
  key: Buffer;
}

export type HostKeyMatch =
  | { kind: 'known' }
  /** `@revoked` names this very key. */
  | { kind: 'revoked'; entry: KnownHost }
  /** The host has another key of the same type. */
  | { kind: 'changed'; entry: KnownHost }
  /**
   * The host has no key of this type. `others`: keys of other types that it has; `authority`: the line that trusts
   * a certificate authority for it.
   */
  | { kind: 'unknown'; others: readonly KnownHost[]; authority: KnownHost | undefined };

/** Reads the file; lines that are not in the format are left out, as OpenSSH does. */
export function parseKnownHosts(text: string): KnownHost[] {
  return text.split(/\r?\n/).flatMap((content, index) => {
    const fields = /^\s*(?:@(\S+)\s+)?([^\s#@]\S*)\s+(\S+)\s+([A-Za-z0-9+/]+={0,2})(?:\s|$)/.exec(content);
    if (!fields) return [];
    const [, marker, hosts = '', type = '', base64 = ''] = fields;
    if (marker !== undefined && marker !== 'revoked' && marker !== 'cert-authority') return [];
    const key = Buffer.from(base64, 'base64');
    if (keyType(key) !== type) return [];
    return [{ line: index + 1, ...(marker && { marker }), hosts, type, key }];
  });
}

/**
 * What the file says about `key`, shown by `host` on `port`. As in OpenSSH, a key that is recorded for the host alone
 * also counts for its other ports, unless the file has one for that port.
 */
export function matchHostKey(
  entries: readonly KnownHost[],
  host: string,
  port: number,
  key: Buffer,
): HostKeyMatch {
  const type = keyType(key);
  const here = entriesOf(entries, hostName(host, port));
  const anyPort = port === DEFAULT_PORT ? [] : entriesOf(entries, hostName(host, DEFAULT_PORT));
  const all = [...here, ...anyPort];

  const revoked = all.find(({ marker, key: other }) => marker === 'revoked' && other.equals(key));
  if (revoked) return { kind: 'revoked', entry: revoked };
  const own = (list: KnownHost[]) => list.filter(({ marker }) => marker === undefined);
  if (own(here).some((entry) => entry.key.equals(key))) return { kind: 'known' };
  const changed = own(here).find((entry) => entry.type === type);
  if (changed) return { kind: 'changed', entry: changed };
  if (own(anyPort).some((entry) => entry.key.equals(key))) return { kind: 'known' };
  return {
    kind: 'unknown',
    others: own(all),
    authority: all.find(({ marker }) => marker === 'cert-authority'),
  };
}

/** The types of the keys that the file has for a host: the ones to ask the server for first. */
export function knownTypes(entries: readonly KnownHost[], host: string, port: number): string[] {
  const names = new Set([hostName(host, port), hostName(host, DEFAULT_PORT)]);
  const types = [...names].flatMap((name) =>
    entriesOf(entries, name).flatMap(({ marker, type }) => (marker === undefined ? [type] : [])),
  );
  return [...new Set(types)];
}

/** The fingerprint as `ssh-keygen -l` prints it: `SHA256:` and base64 without padding. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that a public key in SSH's wire format begins with (RFC 4253, 6.6); undefined when it is no such thing. */
export function keyType(key: Buffer): string | undefined {
  if (key.length < 4) return undefined;
  const length = key.readUInt32BE(0);
  return length <= key.length - 4 ? key.toString('latin1', 4, 4 + length) : undefined;
}

const DEFAULT_PORT = 22;

/** How the file writes a host: bare on port 22, else `[host]:port`. */
export function hostName(host: string, port: number): string {
  const lower = host.toLowerCase();
  return port === DEFAULT_PORT ? lower : `[${lower}]:${port}`;
}

function entriesOf(entries: readonly KnownHost[], name: string): KnownHost[] {
  return entries.filter(({ hosts }) =>
    hosts.startsWith('|') ? isHashOf(hosts, name) : matches(hosts, name),
  );
}

function isHashOf(hashed: string, name: string): boolean {
  const [, magic, salt, hash] = hashed.split('|');
  if (magic !== '1' || !salt || !hash) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

/** Whether one of the patterns fits and none that begins with `!` does. */
function matches(patterns: string, name: string): boolean {
  let fits = false;
  for (const pattern of patterns.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!wildcard(negated ? pattern.slice(1) : pattern).test(name)) continue;
    if (negated) return false;
    fits = true;
  }
  return fits;
}

function wildcard(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
