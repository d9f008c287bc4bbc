// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of warehouse.yaml, not of this file
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/config.ts';
import { readConfig } from '../../src/config/read.ts';
import { ConfigError } from '../../src/errors.ts';
import { fakes } from './fakes.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'));
  file = join(folder, 'warehouse.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

const read = (env: Environment = {}, name = file) =>
  readConfig(name, { connectors: fakes, env, knownGroups: ['messaging'] });
const refused = async (env: Environment = {}, name = file): Promise<ConfigError> => {
  const error = await read(env, name).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConfigError)) throw new Error(`not a ConfigError: ${error}`);
  return error;
};

const TEXT = 'company: ${COMPANY}\nsources: {messaging: {connector: local, path: ./feeds}}\n';

describe('readConfig', () => {
  it('takes variables from .env beside the file', async () => {
    await writeFile(file, TEXT);
    await writeFile(join(folder, '.env'), '# ours\nexport COMPANY="acme: & co"\n');
    expect(await read()).toMatchObject({ company: 'acme: & co', file, directory: folder });
  });

  it('lets the real environment win over .env', async () => {
    await writeFile(file, TEXT);
    await writeFile(join(folder, '.env'), 'COMPANY=acme\n');
    expect((await read({ COMPANY: 'other' })).company).toBe('other');
  });

  it('works without .env, and beside a folder of that name', async () => {
    await writeFile(file, TEXT);
    expect((await read({ COMPANY: 'acme' })).company).toBe('acme');
    await mkdir(join(folder, '.env'));
    expect((await read({ COMPANY: 'acme' })).company).toBe('acme');
  });

  it('takes a relative path, and names the file as it was given', async () => {
    const name = relative(process.cwd(), file);
    await writeFile(file, TEXT);
    expect(await read({ COMPANY: 'acme' }, name)).toMatchObject({
      file,
      warehouse: join(folder, 'warehouse.duckdb'),
    });
    expect((await refused({}, name)).problems[0]).toMatchObject({ file: name, line: 1, key: 'company' });
  });

  it('takes ~ from the environment', async () => {
    await writeFile(file, `models: ~/models\n${TEXT}`);
    expect((await read({ COMPANY: 'acme', HOME: '/home/ann' })).models).toBe('/home/ann/models');
  });

  it('takes a file with a byte order mark', async () => {
    await writeFile(file, `\uFEFF${TEXT}`);
    await writeFile(join(folder, '.env'), '\uFEFFCOMPANY=acme\n');
    expect((await read()).company).toBe('acme');
  });

  it('says what to do when there is no file', async () => {
    const error = await refused();
    expect(error.message).toBe(`${file}: (file): there is no such file`);
    expect(error.hint).toBe('`asapp-warehouse init` writes a starter; `--config FILE` names another file');
  });

  it('refuses a folder, and text that is not UTF-8', async () => {
    expect((await refused({}, folder)).message).toBe(`${folder}: (file): is a folder; name the file in it`);
    expect((await refused({}, join(folder, 'x', 'y.yaml'))).message).toContain('there is no such file');
    await writeFile(file, Buffer.from('company: Zo\xeb\n', 'latin1'));
    expect((await refused()).message).toBe(`${file}: (file): is not UTF-8 text: save it as UTF-8`);
    expect((await refused({}, join(file, 'y.yaml'))).message).toContain('part of its path is not a folder');
  });
});
