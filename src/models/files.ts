import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { ModelError } from '../errors.ts';
import type { PropertiesFile } from './properties.ts';

/** A file of a folder of models, sorted by what it is for. */
export interface ProjectFile {
  kind: 'model' | 'macros' | 'test' | 'properties';
  /** Which folder it is from: of two files for one model, the one from the later folder counts. */
  layer: number;
  /** As people know it: beginning with the name of its folder, e.g. `models/marts/agents.sql`. */
  file: string;
  /** Below its folder, e.g. `marts/agents.sql`; with `/` on every platform. */
  path: string;
  text: string;
  /** What a properties file says, where that is known already. */
  parsed?: PropertiesFile;
}

/**
 * Reads folders of models: `SCHEMA/**.sql`, `macros/**.sql`, `tests/**.sql` and `**.yml`; and, as dbt has it, the
 * tests in a folder `tests` beside each.
 * @param directories the bundled folder first, the user's own after it
 * @throws ModelError for a folder that cannot be read
 */
export async function readProjectFiles(directories: readonly string[]): Promise<ProjectFile[]> {
  const layers = await Promise.all(
    directories.map(async (written, layer) => {
      const directory = resolve(written);
      const own = await readFolder(directory, layer);
      const beside = join(dirname(directory), 'tests');
      const tests = beside === directory ? [] : await readFolder(beside, layer, true);
      return [...own, ...tests.filter(({ kind }) => kind === 'test')];
    }),
  );
  return layers.flat();
}

async function readFolder(directory: string, layer: number, optional = false): Promise<ProjectFile[]> {
  const name = basename(directory);
  const paths = await listFiles(directory, optional);
  const files = paths.map(async (path): Promise<ProjectFile[]> => {
    const kind = kindOf(optional ? `${name}/${path}` : path);
    if (kind === undefined) return [];
    const text = await readFile(join(directory, path), 'utf8');
    return [{ kind, layer, file: `${name}/${path}`, path, text }];
  });
  return (await Promise.all(files)).flat();
}

/** @throws ModelError for a folder of models that is not there, or cannot be read */
export async function requireFolder(directory: string): Promise<void> {
  try {
    await readdir(directory);
  } catch (error) {
    throw unreadable(directory, error);
  }
}

function unreadable(directory: string, error: unknown): ModelError {
  return new ModelError(`cannot read the folder of models ${directory}: ${(error as Error).message}`, {
    hint: 'name a folder that exists under models: in the configuration',
    cause: error,
  });
}

/** Paths below `directory`, in order. Hidden files and folders are editors' and tools'. */
async function listFiles(directory: string, optional: boolean): Promise<string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((path) => !/(^|\/)\./.test(path))
      .sort();
  } catch (error) {
    if (optional && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable(directory, error);
  }
}

function kindOf(path: string): ProjectFile['kind'] | undefined {
  if (/\.ya?ml$/.test(path)) return 'properties';
  if (!path.endsWith('.sql')) return undefined;
  if (path.startsWith('macros/')) return 'macros';
  return path.startsWith('tests/') ? 'test' : 'model';
}
