// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of warehouse.yaml, not of this file

import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { context } from './fakes.ts';

const ENV = { GPG_PASSPHRASE: 'correct horse', GPG_HOME: '/home/ann/.gnupg' };

function parse(decrypt: string): { config: Config } | { problems: { key: string; message: string }[] } {
  const text = `sources:\n  archive:\n    connector: local\n    path: x\n    decrypt: ${decrypt}\n`;
  return parseConfig(text, { ...context, env: ENV });
}

describe('decrypt', () => {
  it.each([
    ['./key.asc', '/etl/key.asc'],
    ['~/key.asc', '/home/ann/key.asc'],
    ['/keys/asapp', '/keys/asapp'],
  ])('may be a private key: %s', (path, privateKey) => {
    expect(parse(`{openpgp: {private_key: ${path}, passphrase: "\${GPG_PASSPHRASE}"}}`)).toMatchObject({
      config: {
        sources: [{ decrypt: { openpgp: { privateKey, passphrase: 'correct horse' } } }],
        secrets: ['correct horse'],
      },
    });
  });

  it('may be a program, which is run beside warehouse.yaml', () => {
    expect(parse('{command: [gpg, --homedir, "${GPG_HOME}", --decrypt]}')).toMatchObject({
      config: {
        sources: [
          {
            decrypt: { command: ['gpg', '--homedir', '/home/ann/.gnupg', '--decrypt'], directory: '/etl' },
          },
        ],
        secrets: [],
      },
    });
  });

  it('counts a secret in the arguments of a program among the secrets', () => {
    expect(parse('{command: [gpg, "--passphrase=${GPG_PASSPHRASE}", --decrypt]}')).toMatchObject({
      config: { secrets: ['correct horse'] },
    });
  });

  it.each([
    ['{}', '', 'must hold either openpgp or command'],
    ['{openpgp: {private_key: k}, command: [gpg]}', '', 'must hold either openpgp or command'],
    ['{openpgp: {}}', '.openpgp.private_key', 'must be text, but is missing'],
    [
      '{openpgp: {private_key: "-----BEGIN PGP PRIVATE KEY BLOCK-----"}}',
      '.openpgp.private_key',
      'must be the path of a file, not the key itself, but is a text that is not shown here',
    ],
    [
      '{openpgp: {private_key: k, passphrase: [s3cret]}}',
      '.openpgp.passphrase',
      'must be text, but is a list',
    ],
    [
      '{openpgp: {private_key: k, pass_phrase: s3cret}}',
      '.openpgp.pass_phrase',
      'is not a key of decrypt.openpgp; did you mean passphrase? (allowed: private_key, passphrase)',
    ],
    ['gpg --decrypt', '', 'must be a mapping of keys to values, but is a text that is not shown here'],
    [
      '{command: gpg --decrypt}',
      '.command',
      'must be a list of a program and its arguments, such as [gpg, --batch, --decrypt], but is a text that is not shown here',
    ],
    [
      '{command: []}',
      '.command',
      'must be a list of a program and its arguments, such as [gpg, --batch, --decrypt], but is an empty list',
    ],
    ['{gpg: {private_key: k}}', '.gpg', 'is not a key of decrypt (allowed: openpgp, command)'],
  ])('is refused when it is %s', (decrypt, key, message) => {
    expect(parse(decrypt)).toMatchObject({
      problems: expect.arrayContaining([
        expect.objectContaining({ key: `sources.archive.decrypt${key}`, message }),
      ]),
    });
  });
});
