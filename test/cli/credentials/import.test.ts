import { describe, expect, it } from 'vitest';
import { planImport } from '../../../src/cli/credentials/import-plan.ts';
import { parseVendorFile } from '../../../src/cli/credentials/vendor-file.ts';

const ID = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const BUCKET = 'asapp-prod-acme-exports-us-east-1';
const FOUND = { accessKeyId: ID, secretAccessKey: SECRET, bucket: BUCKET, prefix: '' };

describe("the vendor's file", () => {
  it.each([
    ['one line', `${ID}\t${SECRET}\t${BUCKET}\n`, ''],
    ['no line end', `${ID}\t${SECRET}\t${BUCKET}`, ''],
    ['a sub-folder', `${ID}\t${SECRET}\t${BUCKET}\tacme/feeds\n`, 'acme/feeds'],
    ['slashes around it', `${ID}\t${SECRET}\t${BUCKET}\t/acme/feeds/\n`, 'acme/feeds'],
    ['an empty sub-folder', `${ID}\t${SECRET}\t${BUCKET}\t\n`, ''],
    ['Windows line ends', `${ID}\t${SECRET}\t${BUCKET}\tacme\r\n`, 'acme'],
    ['a header', `id\tsecret\tbucket\tsub-folder (if any)\r\n${ID}\t${SECRET}\t${BUCKET}\r\n`, ''],
    ['another header', `AWS Access Key ID\tSecret Access Key\tBucket\n${ID}\t${SECRET}\t${BUCKET}\n`, ''],
    ['blank lines and a byte order mark', `\ufeff\n${ID}\t${SECRET}\t${BUCKET}\n\n`, ''],
    ['blanks around the values', ` ${ID} \t ${SECRET}\t${BUCKET} \n`, ''],
  ])('with %s is understood', (_, text, prefix) => {
    expect(parseVendorFile(text, 'keys.txt')).toEqual({ ...FOUND, prefix });
  });

  it.each([
    ['nothing', '\n', 'keys.txt holds no credentials'],
    ['only a header', 'id\tsecret\tbucket\n', 'keys.txt holds no credentials'],
    ['blanks between', `${ID} ${SECRET} ${BUCKET}\n`, 'keys.txt:1: has 1 column, and must have 3 or 4'],
    ['commas between', `${ID},${SECRET},${BUCKET}\n`, 'keys.txt:1: has 1 column'],
    ['no bucket', `\n${ID}\t${SECRET}\n`, 'keys.txt:2: has 2 columns'],
    ['too much', `${ID}\t${SECRET}\t${BUCKET}\ta\tb\n`, 'keys.txt:1: has 5 columns'],
    ['no id', `\t${SECRET}\t${BUCKET}\n`, 'keys.txt:1: column 1, id, must be'],
    ['columns the other way round', `${SECRET}\t${ID}\t${BUCKET}\n`, 'keys.txt:1: column 1, id, must be'],
    ['a secret with a blank', `${ID}\tabcdefgh ${SECRET}\t${BUCKET}\n`, 'keys.txt:1: column 2, secret, must'],
    ['the secret as bucket', `${ID}\t${ID}\t${SECRET}\n`, 'keys.txt:1: column 3, bucket, must be'],
    ['a control character', `${ID}\t${SECRET}\t${BUCKET}\ta\u0000b\n`, 'keys.txt:1: column 4, sub-folder'],
    [
      'two of them',
      `id\tsecret\tbucket\n${ID}\t${SECRET}\t${BUCKET}\n${ID}\t${SECRET}\tother-bucket\n`,
      'keys.txt:3: is a second set of credentials',
    ],
  ])('with %s is refused by a message that shows nothing of what it holds', (_, text, message) => {
    expect(() => parseVendorFile(text, 'keys.txt')).toThrow(message);
    try {
      parseVendorFile(text, 'keys.txt');
    } catch (error) {
      const { message: said, hint } = error as Error & { hint: string };
      for (const word of [ID, SECRET, 'abcdefgh']) expect(said + hint).not.toContain(word);
    }
  });
});

describe('planImport', () => {
  const plan = (yaml: string, chosen?: string, env = '') => planImport({ yaml, env }, FOUND, chosen);

  it('chooses the only S3 source, and the variables in which that has its keys', () => {
    const yaml = `sources:
  prod:
    connector: s3
    access_key_id: \${MY_ID}
    secret_access_key: "\${MY_SECRET:-none}"
`;
    const result = plan(yaml);
    expect(result).toMatchObject({
      source: 'prod',
      isNew: false,
      variables: { id: 'MY_ID', secret: 'MY_SECRET' },
      env: `MY_ID=${ID}\nMY_SECRET=${SECRET}\n`,
    });
    expect(result.yaml).toContain(`    bucket: ${BUCKET}\n`);
    expect(result.yaml).not.toContain('prefix');
  });

  it('chooses, of several sources, the one with the same bucket', () => {
    const yaml = `sources:\n  a:\n    connector: s3\n  b:\n    connector: s3\n    bucket: ${BUCKET}\n    prefix: old\n`;
    const result = plan(yaml);
    expect(result.source).toBe('b');
    expect(result.yaml).toContain('prefix: ""');
  });

  it('adds messaging where there is no S3 source, or the source that a person names', () => {
    const yaml = 'sources:\n  ai_services:\n    connector: file-exporter\n';
    expect(plan(yaml)).toMatchObject({ source: 'messaging', isNew: true });
    expect(plan(yaml, 'preprod').yaml).toContain(`  preprod:\n    connector: s3\n    bucket: ${BUCKET}\n`);
  });

  it('leaves the variables of other sources alone', () => {
    const yaml = `sources:
  a:
    connector: s3
    access_key_id: \${ASAPP_S3_KEY_ID}
    secret_access_key: \${ASAPP_S3_SECRET}
  b:
    connector: s3
    access_key_id: \${ASAPP_S3_KEY_ID}
    secret_access_key: literal
`;
    const before = `ASAPP_S3_KEY_ID=of-a\nASAPP_S3_SECRET=of-a\n`;
    const result = plan(yaml, 'b', before);
    expect(result.variables).toEqual({ id: 'ASAPP_S3_KEY_ID_B', secret: 'ASAPP_S3_SECRET_B' });
    expect(result.env).toBe(`${before}ASAPP_S3_KEY_ID_B=${ID}\nASAPP_S3_SECRET_B=${SECRET}\n`);
    expect(result.yaml).toContain(
      `    access_key_id: \${ASAPP_S3_KEY_ID_B}\n    secret_access_key: \${ASAPP_S3_SECRET_B}\n`,
    );
  });

  it.each([
    [
      'sources:\n  a:\n    connector: s3\n  b:\n    connector: s3\n',
      undefined,
      'it is not clear which source these credentials are for',
    ],
    ['sources:\n  messaging:\n    connector: local\n', undefined, 'it is not clear which source'],
    ['sources:\n  a:\n    connector: sftp\n', 'a', 'the source a has another connector than s3'],
    ['sources:\n  a:\n    connector: sftp\n', 'My Source', '"My Source" cannot name a source'],
  ])('refuses rather than guesses from %j, asked for the source %s: %s', (yaml, chosen, message) => {
    expect(() => plan(yaml, chosen)).toThrow(message);
  });
});
