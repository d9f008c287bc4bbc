import { homedir } from 'node:os';
import { expect, it } from 'vitest';
import { sftp } from '../../src/connectors/sftp.ts';

const context = { name: 'messaging_sftp', directory: '/srv/feeds' };
const minimal = { host: 'sftp.example.com', username: 'sftpacme' };
const fixed = `SHA256:${'A'.repeat(43)}`;

function resolve(input: object) {
  return sftp.resolve(sftp.keys.parse(input) as Parameters<typeof sftp.resolve>[0], context);
}

it('sftp fills in the port, the root, the ssh-agent and known_hosts where they are left out', () => {
  expect(resolve(minimal)).toEqual({
    host: 'sftp.example.com',
    port: 22,
    username: 'sftpacme',
    privateKey: undefined,
    passphrase: undefined,
    agent: true,
    hostKey: undefined,
    knownHosts: `${homedir()}/.ssh/known_hosts`,
    root: '/',
  });
});

it('sftp takes paths from the home folder, from that of warehouse.yaml, or as they are', () => {
  expect(resolve({ ...minimal, private_key: '~/.ssh/asapp', known_hosts: 'keys/known_hosts' })).toMatchObject(
    {
      privateKey: `${homedir()}/.ssh/asapp`,
      knownHosts: '/srv/feeds/keys/known_hosts',
    },
  );
  expect(resolve({ ...minimal, private_key: '/etc/key' })).toMatchObject({ privateKey: '/etc/key' });
});

it('sftp leaves the ssh-agent alone where there is a private key, unless told otherwise', () => {
  expect(resolve({ ...minimal, private_key: 'key' })).toMatchObject({ agent: false });
  expect(resolve({ ...minimal, private_key: 'key', agent: true })).toMatchObject({ agent: true });
});

it.each([
  ['agent', { agent: false }],
  ['passphrase', { passphrase: 'x' }],
  ['host_key', { host_key: fixed, known_hosts: '~/known' }],
])('sftp reports keys that contradict each other under %s', (key, input) => {
  expect(resolve({ ...minimal, ...input })).toEqual({
    problems: [{ key, message: expect.stringMatching(/^must not be /) }],
  });
});

it.each([
  ['no host', { username: 'u' }],
  ['no username', { host: 'h' }],
  ['a port that is none', { ...minimal, port: 70_000 }],
  ['a fingerprint of another kind', { ...minimal, host_key: 'MD5:00:11' }],
  ['a fingerprint that is cut off', { ...minimal, host_key: 'SHA256:AAAA' }],
  ['an unknown key', { ...minimal, password: 'x' }],
])('sftp refuses a configuration with %s', (_, input) => {
  expect(sftp.keys.safeParse(input).success).toBe(false);
});

it('sftp keeps the passphrase secret, and delivers to messaging unless told otherwise', () => {
  expect(sftp.secrets).toEqual(['passphrase']);
  expect(sftp.defaultGroup).toBe('messaging');
});
