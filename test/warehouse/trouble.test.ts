import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { DamagedError, StorageError } from '../../src/errors.ts';
import { storageTrouble } from '../../src/warehouse/trouble.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

describe('trouble with a disk', () => {
  it.each([
    [
      'IO Error: Could not write file "/w/a.duckdb": No space left on device',
      'the disk is full: /w/a.duckdb cannot be written',
    ],
    [
      "Out of Memory Error: failed to offload data block of size 256.0 KiB.\nThis limit was set by the 'max_temp_directory_size' setting.",
      'the disk is full: /w/own.duckdb cannot be written',
    ],
    [
      'TransactionContext Error: Failed to commit: Could not write file "/w/a.duckdb.wal": No space left on device',
      'the disk is full: /w/a.duckdb.wal cannot be written',
    ],
    [
      'IO Error: Could not write file "/w/a.duckdb": File too large',
      '/w/a.duckdb has come to the size that a file may have here',
    ],
    [
      'IO Error: Cannot open file "/w/a.tmp": Read-only file system',
      '/w/a.tmp cannot be written: the file system is read-only',
    ],
    [
      'IO Error: Corrupt database file: computed checksum 1 does not match stored checksum 2 in block at location 12288',
      '/w/own.duckdb is damaged',
    ],
    [
      'FATAL Error: database has been invalidated because of a previous fatal error.',
      'the warehouse cannot be used any further after an error that came before',
    ],
  ])('is recognised and said in plain words: %s', (said, message) => {
    expect(storageTrouble(new Error(said), '/w/own.duckdb')?.message).toBe(message);
  });

  it.each([
    'Conversion Error: Could not convert string "No space left on device" to INT32',
    'Parser Error: syntax error at or near "x"\n\nLINE 1: select x "No space left on device"',
    'IO Error: Could not read enough bytes from file "/w/landing/x.jsonl": attempted to read 9 bytes from location 1',
    'Out of Memory Error: failed to allocate data of size 32.0 MiB (32.0 MiB/57.2 MiB used)',
  ])('is not recognised in %s', (said) => {
    expect(storageTrouble(new Error(said), '/w/own.duckdb')).toBeUndefined();
  });

  it('is an error of another kind when bytes are not what was written', () => {
    const problem = storageTrouble(new Error('IO Error: Corrupt database file: …'), '/w/own.duckdb');
    expect(problem).toBeInstanceOf(DamagedError);
    expect(problem).toMatchObject({ file: '/w/own.duckdb' });
  });
});

/** A disk of its own can be made by root alone, and on Linux. */
const canMount =
  process.platform === 'linux' && process.geteuid?.() === 0 && spawnSync('mount', ['--version']).status === 0;

describe.skipIf(!canMount)('a full disk', () => {
  let folder: string;
  let mounted = false;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'full-'));
    mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', folder]).status === 0;
  });

  afterAll(async () => {
    if (mounted) execFileSync('umount', [folder]);
    await rm(folder, { recursive: true, force: true });
  });

  test('is reported with what to do, and what was committed stays', async ({ skip }) => {
    if (!mounted) skip();
    await using warehouse = await Warehouse.open(join(folder, 'warehouse.duckdb'), {
      threads: 1,
      memoryLimit: '60MB',
    });
    const session = await warehouse.session();
    await session.run('CREATE TABLE kept AS SELECT 1 AS n');
    const fill = session.run(
      'CREATE TABLE big AS SELECT range, md5(range::VARCHAR) AS t FROM range(3000000)',
    );
    const error = await fill.catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(StorageError);
    expect((error as StorageError).message).toMatch(/^the disk is full: .* cannot be written$/);
    expect((error as StorageError).hint).toMatch(/^free some space/);
    expect(await session.rows('FROM kept')).toEqual([{ n: 1 }]);
  });
});
