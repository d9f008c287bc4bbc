import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '../errors.ts';
import { bundledOverrides } from '../feeds/bundled.ts';
import { type Overrides, parseOverrides, withOwn } from '../feeds/documents/overrides.ts';
import { sha256 } from '../text.ts';

/** A person's corrections to the published schema, and the hash that they are known by. */
export interface Corrections {
  overrides: Overrides;
  hash: string;
}

/** Where a user keeps corrections of their own, relative to the folder of `warehouse.yaml`. */
export const OWN_OVERRIDES = path.join('schemas', 'overrides.yaml');

/**
 * The corrections that come with the program, and those in `schemas/overrides.yaml` beside `warehouse.yaml`, which count
 * before them: a program that is updated must not lose what its user has found out.
 * @throws ConfigError when the user's file cannot be read or understood
 */
export async function corrections(directory: string): Promise<Corrections> {
  const bundled = await bundledOverrides();
  const file = path.join(directory, OWN_OVERRIDES);
  const text = await readIfThere(file);
  if (text === undefined) return bundled;
  const overrides = withOwn(bundled.overrides, parseOverrides(text, file));
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
