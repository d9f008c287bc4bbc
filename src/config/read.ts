import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse as parseEnvironment } from 'dotenv';
import { ConfigError, type Problem } from '../errors.ts';
import { readBounded } from '../files.ts';
import type { Config, Connectors, Environment } from './config.ts';
import { parseConfig } from './parse.ts';
import { WHOLE_FILE } from './problems.ts';

export interface ReadOptions {
  connectors: Connectors;
  /** The real environment; it wins over `.env` beside the file. */
  env: Environment;
  /** Groups that a source delivers if it has their name. */
  knownGroups: readonly string[];
  /** Receives problems that concern only some sources or `.env`, so that the other sources can be used. */
  onProblems?: (problems: readonly Problem[]) => void;
}

/**
 * Reads `warehouse.yaml`, and `.env` beside it.
 * @param file absolute, or relative to the working folder
 * @throws ConfigError with every problem there is, unless `onProblems` takes them
 */
export async function readConfig(
  file: string,
  { connectors, env, knownGroups, onProblems }: ReadOptions,
): Promise<Config> {
  const absoluteFile = resolve(file);
  const text = await readText(file);
  if (text === undefined)
    throw new ConfigError([{ file, key: WHOLE_FILE, message: 'there is no such file' }], {
      hint: '`asapp-warehouse init` writes a starter; `--config FILE` names another file',
    });
  const variables = parseEnvironment(
    (await readText(join(dirname(file), '.env'), true).catch((error: unknown) => {
      if (!(error instanceof ConfigError) || !onProblems) throw error;
      onProblems(error.problems);
      return undefined;
    })) ?? '',
  );
  const result = parseConfig(text, {
    file,
    absoluteFile,
    home: env.HOME || homedir(),
    env: { ...variables, ...env },
    connectors,
    knownGroups,
  });
  if ('config' in result) return result.config;
  if (!result.usable || !onProblems) throw new ConfigError(result.problems);
  onProblems(result.problems);
  return result.usable;
}

/**
 * The text of a file; undefined when there is none.
 * @param optional whether a folder of that name counts as none: Python keeps its own things in `.env/`
 */
async function readText(file: string, optional = false): Promise<string | undefined> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readBounded(file, MAX_BYTES));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOENT' || (optional && code === 'EISDIR')) return undefined;
    const message = REASONS[code] ?? `cannot be read (${code})`;
    throw new ConfigError([{ file, key: WHOLE_FILE, message }], { cause });
  }
}

/** Far more than a configuration with a thousand sources and a comment at each. */
const MAX_BYTES = 2 ** 20;

const REASONS: Record<string, string> = {
  EFBIG: 'is larger than 1 MiB, which no configuration is',
  ELOOP: 'cannot be read: it is a link that leads back to itself',
  EACCES: 'cannot be read: permission denied',
  EISDIR: 'is a folder; name the file in it',
  ENOTDIR: 'cannot be read: part of its path is not a folder',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8 text: save it as UTF-8',
};
