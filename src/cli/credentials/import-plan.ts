import { parseDocument } from 'yaml';
import { setSourceKeys } from '../../config/edit.ts';
import { setVariables } from '../../config/env-file.ts';
import { isMapping } from '../../config/tree.ts';
import { UsageError } from '../../errors.ts';
import type { S3Credentials } from './vendor-file.ts';

/** What an import will write. */
export interface ImportPlan {
  source: string;
  /** Whether `warehouse.yaml` does not have the source yet. */
  isNew: boolean;
  /** The variables of `.env` that hold the keys. */
  variables: { id: string; secret: string };
  /** The new texts. */
  yaml: string;
  env: string;
}

/** The present texts of both files. */
export interface CurrentTexts {
  /** YAML without syntax errors. */
  yaml: string;
  env: string;
}

type SourceSettings = Record<string, Record<string, unknown>>;

/**
 * Plans the new texts of `warehouse.yaml` and `.env`. Pure.
 * @param chosen the source that a person named
 * @throws UsageError when it is not clear which source is meant, or that source does not use S3
 */
export function planImport(
  before: CurrentTexts,
  credentials: S3Credentials,
  chosen: string | undefined,
): ImportPlan {
  const sources = sourcesOf(before.yaml);
  const source = chosen ?? guessSource(sources, credentials.bucket);
  const there = sources[source];
  if (there && there.connector !== 's3')
    throw new UsageError(`the source ${source} has another connector than s3`, {
      hint: 'name the source that these credentials are for: --source NAME; one that is not there is added',
    });
  if (!/^[a-z_][a-z0-9_]*$/.test(source))
    throw new UsageError(`${JSON.stringify(source)} cannot name a source`, {
      hint: 'use a to z, 0 to 9 and _, and no digit at the beginning',
    });
  const variables = variablesFor(source, sources);
  const keys = {
    ...(there ? {} : { connector: 's3' }),
    bucket: credentials.bucket,
    // An existing prefix may belong to another bucket.
    ...(credentials.prefix !== '' || there?.prefix ? { prefix: credentials.prefix } : {}),
    access_key_id: `\${${variables.id}}`,
    secret_access_key: `\${${variables.secret}}`,
  };
  return {
    source,
    isNew: there === undefined,
    variables,
    yaml: setSourceKeys(before.yaml, source, keys),
    env: setVariables(before.env, {
      [variables.id]: credentials.accessKeyId,
      [variables.secret]: credentials.secretAccessKey,
    }),
  };
}

function sourcesOf(yaml: string): SourceSettings {
  const sources = (parseDocument(yaml).toJS() as { sources?: unknown } | null)?.sources;
  if (!isMapping(sources)) return {};
  return Object.fromEntries(
    Object.entries(sources).map(([name, source]) => [name, isMapping(source) ? source : {}]),
  );
}

/** The source to use when none was named: the one with this bucket, else the only S3 source, else a new one. */
function guessSource(sources: SourceSettings, bucket: string): string {
  const names = Object.keys(sources).filter((name) => sources[name]?.connector === 's3');
  const ofBucket = names.filter((name) => sources[name]?.bucket === bucket);
  const [only, second] = ofBucket.length > 0 ? ofBucket : names;
  if (only !== undefined && second === undefined) return only;
  if (only === undefined && sources.messaging === undefined) return 'messaging';
  throw new UsageError('it is not clear which source these credentials are for', {
    hint: `name it with --source: ${only === undefined ? 'a new one of your choice' : names.join(', ')}`,
  });
}

const PLAIN_REFERENCE = /^\$\{(\w+)(:-.*)?\}$/;

/** The variables that the source already reads its keys from, unless another source reads them too; else new ones. */
function variablesFor(source: string, sources: SourceSettings): ImportPlan['variables'] {
  const others = JSON.stringify({ ...sources, [source]: undefined });
  const isFree = (name: string) => !new RegExp(`\\$\\{${name}\\b`).test(others);
  const variable = (key: string, standard: string) => {
    const used = PLAIN_REFERENCE.exec(String(sources[source]?.[key] ?? ''))?.[1];
    if (used !== undefined && isFree(used)) return used;
    return isFree(standard) ? standard : `${standard}_${source.toUpperCase()}`;
  };
  return {
    id: variable('access_key_id', 'ASAPP_S3_KEY_ID'),
    secret: variable('secret_access_key', 'ASAPP_S3_SECRET'),
  };
}
