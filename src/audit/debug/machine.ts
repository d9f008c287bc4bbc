import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import prettyBytes from 'pretty-bytes';
import type { Config } from '../../config/config.ts';
import { BusyError, DamagedError, StorageError } from '../../errors.ts';
import { manifest } from '../../installation.ts';
import { exposures } from '../../workspace/exposure.ts';
import { withAdvice } from '../damage.ts';
import { type DebugCheck, MACHINE, type StepContext, Steps } from './check.ts';

/** Roughly what one batch of files needs while it is staged. */
const SPARE_BYTES = 1024 ** 3;

/** Checks what a run needs of this machine. A step that fails does not stop the others. */
export async function* machineChecks(config: Config, context: StepContext): AsyncGenerator<DebugCheck> {
  const check = (step: string, work: () => Promise<string>) => new Steps(MACHINE, context).try(step, work);
  yield* programChecks(context);
  yield await check('warehouse', () => checkWarehouse(config));
  yield await check('publish', () => requireReplaceable(config.publish));
  yield await check('landing', () => requireWritable(config.landing, config.landing));
  yield await check('disk', () => requireSpace(config));
  yield await check('modes', () => describeExposure(config));
}

/** Checks that do not depend on the configuration. */
export async function* programChecks(context: StepContext): AsyncGenerator<DebugCheck> {
  const check = (step: string, work: () => Promise<string>) => new Steps(MACHINE, context).try(step, work);
  yield await check('program', versions);
  yield await check('duckdb', async () => {
    const { Warehouse } = await import('../../warehouse/warehouse.ts');
    await using warehouse = await Warehouse.open(':memory:');
    const session = await warehouse.session();
    const { version } = await session.row<{ version: string }>('SELECT version() AS version');
    return `DuckDB ${version}`;
  });
}

async function versions(): Promise<string> {
  const { version, engines } = manifest();
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = (engines.node.match(/\d+/g) ?? []).map(Number);
  const here = `asapp-warehouse ${version} on Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return here;
  throw new StorageError(here, { hint: `install Node ${engines.node}` });
}

async function checkWarehouse(config: Config): Promise<string> {
  const file = config.warehouse;
  const found = await stat(file).catch(() => undefined);
  if (!found)
    return `not there yet: asapp-warehouse run makes it; ${await requireWritable(dirname(file), file)}`;
  const size = `${file}, ${prettyBytes(found.size)}`;
  const { Warehouse } = await import('../../warehouse/warehouse.ts');
  try {
    await using _ = await Warehouse.open(file, { readOnly: true, patience: 0 });
  } catch (error) {
    if (error instanceof BusyError) return `${size}; in use: ${error.message}`;
    throw error instanceof DamagedError ? await withAdvice(error, config) : error;
  }
  await access(file, constants.W_OK).catch(() => {
    throw notWritable(file);
  });
  return `${size}; nobody holds it`;
}

/** Checks that a folder can be written or, where it does not exist, the nearest folder above it that does. */
async function requireWritable(folder: string, what: string): Promise<string> {
  const there = await nearestFolder(folder);
  await access(there, constants.W_OK | constants.X_OK).catch(() => {
    throw notWritable(there);
  });
  return `${what} can be written`;
}

/** Checks that the copy for analysts can be replaced, which takes the right to write to its folder. */
async function requireReplaceable(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  if (found && !found.isFile())
    throw new StorageError(`${file} is ${found.isDirectory() ? 'a folder' : 'no file'}`, {
      hint: 'name a file at publish: in warehouse.yaml',
    });
  return await requireWritable(dirname(file), file);
}

function notWritable(path: string): StorageError {
  return new StorageError(`${path} cannot be written`, {
    hint: 'Give the user that runs this the right to, or name another place in warehouse.yaml.',
  });
}

/** The folder, or the nearest one above it that exists. */
async function nearestFolder(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory()) return folder;
  if (found)
    throw new StorageError(`${folder} is a file, not a folder`, {
      hint: 'name another place in warehouse.yaml',
    });
  const above = dirname(folder);
  if (above === folder) throw notWritable(folder);
  return nearestFolder(above);
}

/** Files that others can read. Reported, but no failure: a run works all the same. */
async function describeExposure(config: Config): Promise<string> {
  const found = await exposures(config);
  if (found.length === 0) return 'landing and .env are for their owner alone';
  return found.map(({ message, hint }) => `${message}: ${hint}`).join('; ');
}

/** Checks the free space: publishing writes a new copy beside the old one, and loading needs some room, too. */
async function requireSpace({ warehouse, publish, landing }: Config): Promise<string> {
  const needs = [
    { folder: dirname(warehouse), bytes: SPARE_BYTES },
    { folder: dirname(publish), bytes: (await stat(publish).catch(() => undefined))?.size ?? 0 },
    { folder: landing, bytes: SPARE_BYTES },
  ];
  const disks = new Map<number, { folder: string; free: number; needed: number }>();
  for (const { folder, bytes } of needs) {
    const there = await nearestFolder(folder);
    const { dev } = await stat(there);
    const { bavail, bsize } = await statfs(there);
    const disk = disks.get(dev) ?? { folder: there, free: bavail * bsize, needed: 0 };
    disk.needed += bytes;
    disks.set(dev, disk);
  }
  const free = [...disks.values()]
    .map((disk) => `${prettyBytes(disk.free)} free in ${disk.folder}`)
    .join(', ');
  const full = [...disks.values()].find((disk) => disk.free < disk.needed);
  if (!full) return free;
  throw new StorageError(`${free}; a run may need ${prettyBytes(full.needed)} in ${full.folder}`, {
    hint: 'Free some space, or name another place in warehouse.yaml.',
  });
}
