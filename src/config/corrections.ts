import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '../errors.ts';
import { bundledOverrides } from '../feeds/bundled.ts';
import { mergeOverrides, type Overrides, parseOverrides } from '../feeds/documents/overrides.ts';
import { sha256 } from '../text.ts';

/** The corrections to the published schema, and a hash that changes with them. */
export interface Corrections {
  overrides: Overrides;
  hash: string;
}

/** Where a user keeps their own corrections, relative to the folder of `warehouse.yaml`. */
export const OWN_OVERRIDES = path.join('schemas', 'overrides.yaml');

/**
 * The corrections that come with the program and those in `schemas/overrides.yaml` beside `warehouse.yaml`. The user's
 * own win, so that an update of the program never undoes them.
 * @throws ConfigError when the user's file cannot be read or understood
 */
export async function readCorrections(directory: string): Promise<Corrections> {
  const bundled = await bundledOverrides();
  const file = path.join(directory, OWN_OVERRIDES);
  const text = await readIfThere(file);
  if (text === undefined) return bundled;
  const overrides = mergeOverrides(bundled.overrides, parseOverrides(text, file));
  return { overrides, hash: sha256(`${bundled.hash} ${sha256(text)}`) };
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ConfigError([{ file, key: 'file', message: `cannot be read: ${message}` }], { cause });
  }
}
