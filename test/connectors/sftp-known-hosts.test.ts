import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  fingerprint,
  knownTypes,
  matchHostKey,
  parseKnownHosts,
} from '../../src/connectors/sftp/known-hosts.ts';

/** A public key in SSH's wire format; nobody has its other half. */
function makeKey(type = 'ssh-ed25519'): Buffer {
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  return Buffer.concat([field(Buffer.from(type)), field(randomBytes(32))]);
}

const key = makeKey();
const other = makeKey();
const rsa = makeKey('ssh-rsa');
const line = (hosts: string, of = key, type = 'ssh-ed25519') => `${hosts} ${type} ${of.toString('base64')}`;
const verdict = (text: string, host = 'sftp.example.com', port = 22, shown = key) =>
  matchHostKey(parseKnownHosts(text), host, port, shown);

function hashed(name: string): string {
  const salt = randomBytes(20);
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

describe('a known_hosts file', () => {
  it.each([
    ['by name', line('sftp.example.com')],
    ['by name in another case', line('SFTP.Example.com')],
    ['in a list of names and addresses', line('other,sftp.example.com,10.0.0.1')],
    ['with a comment after the key', `${line('sftp.example.com')} root@server`],
    [
      'among comments, blank and broken lines',
      `# mine\n\nbroken\n@odd ${line('x')}\n${line('sftp.example.com')}`,
    ],
    ['with the line ends of Windows', `${line('first')}\r\n${line('sftp.example.com')}\r\n`],
    ['by a pattern', line('*.example.com')],
    ['by a pattern for one character', line('sft?.example.com')],
    ['by its hash', line(hashed('sftp.example.com'))],
    ['as one of several keys', `${line('sftp.example.com', other)}\n${line('sftp.example.com')}`],
  ])('knows a key %s', (_, text) => {
    expect(verdict(text)).toEqual({ kind: 'known' });
  });

  it.each([
    ['in an empty file', ''],
    ['of another host', line('sftp.example.org')],
    ['of a host whose name only begins alike', line('sftp.example.com.evil')],
    ['where a dot of the pattern is another character', line('sftp-example.com')],
    ['that a pattern leaves out', line('*.example.com,!sftp.example.com')],
    ['in a comment', `#${line('sftp.example.com')}`],
    ['by the hash of another name', line(hashed('sftp.example.org'))],
    ['under a hash of an unknown kind', line(hashed('sftp.example.com').replace('|1|', '|2|'))],
    ['on another port only', line('[sftp.example.com]:2222')],
    ['whose line names another type than the key has', line('sftp.example.com', key, 'ssh-rsa')],
  ])('does not know a key %s', (_, text) => {
    expect(verdict(text)).toEqual({ kind: 'unknown', others: [], authority: undefined });
  });

  it('has the keys of another port under [host]:port, also hashed', () => {
    expect(verdict(line('[sftp.example.com]:2222'), 'sftp.example.com', 2222)).toEqual({ kind: 'known' });
    expect(verdict(line(hashed('[sftp.example.com]:2222')), 'sftp.example.com', 2222)).toEqual({
      kind: 'known',
    });
    expect(verdict(line(hashed('[sftp.example.com]:2223')), 'sftp.example.com', 2222).kind).toBe('unknown');
  });

  it('gives the key of the host to another port that has none of its own', () => {
    expect(verdict(line('sftp.example.com'), 'sftp.example.com', 2222)).toEqual({ kind: 'known' });
    const both = `${line('sftp.example.com')}\n${line('[sftp.example.com]:2222', other)}`;
    expect(verdict(both, 'sftp.example.com', 2222).kind).toBe('changed');
  });

  it('says on what line the host had another key', () => {
    const text = `# mine\n${line('sftp.example.com', other)}`;
    expect(verdict(text)).toEqual({
      kind: 'changed',
      entry: { line: 2, hosts: 'sftp.example.com', type: 'ssh-ed25519', key: other },
    });
  });

  it('says that the host has only keys of other types', () => {
    const found = verdict(line('sftp.example.com', rsa, 'ssh-rsa'));
    expect(found).toMatchObject({ kind: 'unknown', others: [{ line: 1, type: 'ssh-rsa' }] });
  });

  it('refuses a revoked key, wherever else it is', () => {
    const text = `${line('sftp.example.com')}\n@revoked ${line('*')}`;
    expect(verdict(text)).toMatchObject({ kind: 'revoked', entry: { line: 2 } });
    expect(verdict(text, 'sftp.example.com', 2222).kind).toBe('revoked');
    expect(verdict(`@revoked ${line('*', other)}\n${line('sftp.example.com')}`)).toEqual({ kind: 'known' });
  });

  it('does not take the key of a certificate authority for that of the host', () => {
    const found = verdict(`@cert-authority ${line('*.example.com')}`);
    expect(found).toMatchObject({ kind: 'unknown', others: [], authority: { line: 1 } });
  });

  it('tells what types of key to ask a host for', () => {
    const entries = parseKnownHosts(
      [
        line('sftp.example.com', rsa, 'ssh-rsa'),
        line('[sftp.example.com]:2222'),
        `@revoked ${line('sftp.example.com', makeKey('ecdsa-sha2-nistp256'), 'ecdsa-sha2-nistp256')}`,
        line('elsewhere', makeKey('ecdsa-sha2-nistp384'), 'ecdsa-sha2-nistp384'),
      ].join('\n'),
    );
    expect(knownTypes(entries, 'sftp.example.com', 22)).toEqual(['ssh-rsa']);
    expect(knownTypes(entries, 'sftp.example.com', 2222)).toEqual(['ssh-ed25519', 'ssh-rsa']);
    expect(knownTypes(entries, 'nowhere', 22)).toEqual([]);
  });
});

it('a fingerprint is printed as ssh-keygen prints it', () => {
  // ssh-keygen -lf of this key, which is GitHub's.
  const github = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
  expect(fingerprint(Buffer.from(github, 'base64'))).toBe(
    'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU',
  );
});
