import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ListedFile } from '../../src/connectors/connector.ts';
import { local } from '../../src/connectors/local.ts';
import { FileError, SourceError } from '../../src/errors.ts';
import { asOrdinaryUser } from '../support/ordinary-user.ts';
import { collect, describeConnector, exists, rejection } from './contract.ts';

describeConnector('local', {
  seal: 'marker',
  layout: 'free',
  noticesSameSize: true,
  start: async () => {
    const root = await mkdtemp(join(tmpdir(), 'local-'));
    let puts = 0;
    return {
      put: async (path, bytes) => {
        await mkdir(join(root, dirname(path)), { recursive: true });
        await writeFile(join(root, path), bytes);
        // A tick of the file system's clock takes some milliseconds; the puts of a test come faster.
        const time = 1_800_000_000 + puts++ / 1000;
        await utimes(join(root, path), time, time);
      },
      remove: (path) => rm(join(root, path)),
      connector: () => local.open({ root }),
      stop: () => rm(root, { recursive: true }),
    };
  },
});

describe('the local connector', () => {
  let folder: string;
  let root: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'local-'));
    root = join(folder, 'feeds');
    await mkdir(join(root, 'a/b'), { recursive: true });
    await writeFile(join(root, 'a/b/file.jsonl'), '{}');
    await writeFile(join(folder, 'outside.txt'), 'secret');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  const paths = async (from = root) =>
    (await collect((await local.open({ root: from })).files(''))).map(({ path }) => path).sort();

  it('takes its path from the folder of warehouse.yaml, or from home', () => {
    const resolve = (path: string) =>
      local.resolve({ path }, { name: 'archive', directory: '/etc/warehouse' });
    expect(resolve('./feeds')).toEqual({ root: '/etc/warehouse/feeds' });
    expect(resolve('../feeds/')).toEqual({ root: '/etc/feeds' });
    expect(resolve('/mnt/bucket')).toEqual({ root: '/mnt/bucket' });
    expect(resolve('~/feeds')).toEqual({ root: join(homedir(), 'feeds') });
    expect(resolve('~other/feeds')).toEqual({ root: '/etc/warehouse/~other/feeds' });
  });

  it('says where to look when its folder is not there', async () => {
    const failed = await rejection(local.open({ root: join(folder, 'nowhere') }));
    expect(failed).toBeInstanceOf(SourceError);
    expect(failed).toMatchObject({
      message: `the folder ${folder}/nowhere is not there`,
      hint: expect.stringContaining('`path` of this source'),
    });
  });

  it('does not take a folder that went away, such as a mount, for an empty one', async () => {
    const connector = await local.open({ root });
    await rename(root, `${root}-gone`);
    expect(await rejection(collect(connector.files('')))).toBeInstanceOf(SourceError);
    expect(await rejection(collect(connector.entries('')))).toBeInstanceOf(SourceError);
  });

  it('refuses a file where a folder should be', async () => {
    const failed = await rejection(local.open({ root: join(folder, 'outside.txt') }));
    expect(failed).toMatchObject({ message: expect.stringContaining('is a file, not a folder') });
  });

  it('never leads out of its folder by name', async () => {
    const connector = await local.open({ root });
    const outside = { path: '../outside.txt', bytes: 6, etag: '0' };
    expect(await rejection(collect(connector.entries('..')))).toBeInstanceOf(SourceError);
    expect(await rejection(collect(connector.files('a/../..')))).toBeInstanceOf(SourceError);
    expect(await rejection(connector.fetch(outside, join(folder, 'partial')))).toBeInstanceOf(SourceError);
    expect(() => connector.localPath?.(outside)).toThrow(SourceError);
    // A neighbour whose name begins like the root's.
    await mkdir(`${root}-old`);
    expect(await rejection(collect(connector.entries('../feeds-old')))).toBeInstanceOf(SourceError);
    expect(connector.localPath?.({ ...outside, path: 'a/b/file.jsonl' })).toBe(join(root, 'a/b/file.jsonl'));
  });

  it('follows symbolic links to files and folders', async () => {
    await mkdir(join(folder, 'elsewhere'));
    await writeFile(join(folder, 'elsewhere/more.jsonl'), '{}');
    await symlink(join(folder, 'elsewhere'), join(root, 'a/linked'));
    await symlink('b/file.jsonl', join(root, 'a/alias.jsonl'));
    expect(await paths()).toEqual(['a/alias.jsonl', 'a/b/file.jsonl', 'a/linked/more.jsonl']);
    await symlink(root, join(folder, 'link-to-root'));
    expect(await paths(join(folder, 'link-to-root'))).toEqual(await paths());
  });

  it('leaves out symbolic links that would never end, or lead nowhere', async () => {
    await mkdir(join(root, 'x'));
    await symlink('.', join(root, 'a/self'));
    await symlink(root, join(root, 'a/b/top'));
    await symlink('nowhere', join(root, 'a/broken'));
    await symlink('selfish', join(root, 'a/selfish'));
    // Two folders that lead into each other: each can be seen once from the other.
    await symlink('../x', join(root, 'a/x'));
    await symlink('../a', join(root, 'x/a'));
    expect(await paths()).toEqual(['a/b/file.jsonl', 'x/a/b/file.jsonl']);
    const connector = await local.open({ root });
    expect((await collect(connector.entries('a'))).map(({ name }) => name).sort()).toEqual(['b', 'x']);
    expect(await collect(connector.entries('a/x'))).toEqual([]);
  });

  it('lists files and folders only', async () => {
    execFileSync('mkfifo', [join(root, 'a/pipe')]);
    expect(await paths()).toEqual(['a/b/file.jsonl']);
  });

  it('gives another etag for times that differ by less than a millisecond', async () => {
    const file = join(root, 'a/b/file.jsonl');
    const etagAt = async (time: string) => {
      execFileSync('touch', ['-d', time, file]);
      const [listed] = await collect((await local.open({ root })).files(''));
      return listed?.etag;
    };
    expect(await etagAt('2026-01-31T07:00:00.000001Z')).not.toBe(await etagAt('2026-01-31T07:00:00.000002Z'));
  });

  it('does not mix two versions of a file that is replaced during the fetch', async () => {
    const file = join(root, 'a/b/file.jsonl');
    await writeFile(file, randomBytes(1_000_000));
    const connector = await local.open({ root });
    const [listed] = await collect(connector.files(''));
    const partial = join(folder, 'partial');
    const onBytes = () => writeFileSync(file, randomBytes(1_000_000));
    const failed = await rejection(connector.fetch(listed as ListedFile, partial, { onBytes }));
    expect(failed).toBeInstanceOf(FileError);
    expect(await exists(partial)).toBe(false);
  });

  it('says which folder it may not read', async () => {
    await chmod(join(root, 'a/b'), 0);
    const failed = await asOrdinaryUser(folder, () => rejection(paths()));
    await chmod(join(root, 'a/b'), 0o755);
    expect(failed).toBeInstanceOf(SourceError);
    expect(failed).toMatchObject({ message: `no permission to read ${root}/a/b` });
  });
});
