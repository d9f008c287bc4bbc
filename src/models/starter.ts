import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StorageError, UsageError } from '../errors.ts';
import { STAGING_COLUMNS, STAGING_SCHEMAS } from '../feeds/names.ts';
import { didYouMean } from '../text.ts';
import type { Session } from '../warehouse/session.ts';
import { type PresentColumn, presentColumns } from '../warehouse/tables.ts';

/**
 * Writes the file of a model for a feed that nobody documents, for a person to look over. It never replaces one.
 * @param folder the user's own folder of models
 * @param feed as it is told: `messaging.calls`
 * @returns the file
 * @throws UsageError when there is no such feed, no folder of models, or a model of the name already
 */
export async function writeStarter(
  session: Session,
  folder: string | undefined,
  feed: string | undefined,
): Promise<string> {
  const { group, name, table, columns } = await stagedFeed(session, feed);
  if (folder === undefined)
    throw new UsageError('there is no folder for models of your own', {
      hint: 'add models: ./models to warehouse.yaml',
    });
  const file = join(folder, group, `${name}.sql`);
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, starterModel(group, table, columns), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new UsageError(`${file} is there already`, { hint: 'change it by hand' });
    throw new StorageError(`${file} cannot be written: ${(error as Error).message}`, { cause: error });
  }
  return file;
}

/** Words that a template reads as they are. */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;

async function stagedFeed(session: Session, feed = '') {
  const tables = await presentColumns(session, { where: STAGING_SCHEMAS });
  const relations = [...tables.keys()].map((id) => id.slice('staging_'.length));
  // Of a feed that began with a later version, that is the one.
  const relation = relations.find((one) => one === feed || one.replace(/__v[^_]+$/, '') === feed);
  if (relation === undefined)
    throw new UsageError(
      `nothing has come of a feed ${feed || '(none was named)'}${didYouMean(feed, relations)}`,
      {
        hint: `name one as asapp-warehouse status lists them, e.g. messaging.convos_metrics`,
      },
    );
  const dot = feed.indexOf('.');
  const [group, name, table] = [feed.slice(0, dot), feed.slice(dot + 1), relation.slice(dot + 1)];
  for (const part of [group, name, table])
    if (!PLAIN.test(part))
      throw new UsageError(`${JSON.stringify(part)} cannot be the name of a model`, {
        hint: `write models/SCHEMA/NAME.sql by hand, with source('${group}', …) in it`,
      });
  return { group, name, table, columns: tables.get(`staging_${relation}`) ?? [] };
}

/** What identifies something, by its name. */
const IDENTIFIES = /(^|_)(id|uuid|guid|key|sid)$/i;
const LOADERS: ReadonlySet<string> = new Set(STAGING_COLUMNS.map(({ name }) => name));

/**
 * A dedup model as a person might begin it. Its key is a guess on the safe side: by every column that looks like an
 * identifier, else by all that there are, so that two records are rather taken apart than for one. Pure.
 */
export function starterModel(
  group: string,
  table: string,
  columns: readonly Pick<PresentColumn, 'name' | 'type'>[],
): string {
  const own = columns.filter(({ name }) => !LOADERS.has(name) && PLAIN.test(name));
  const ids = own.filter(({ name }) => IDENTIFIES.test(name));
  const key = (ids.length > 0 ? ids : own.length > 0 ? own : [{ name: '_line' }]).map(({ name }) => name);
  const order = own
    .filter(({ name, type }) => type === 'TIMESTAMP' && !key.includes(name))
    .map(({ name }) => name);
  return `-- Nobody documents how the records of this feed are told apart. This is a guess: look it over.
--   unique_key: the columns that identify a record. Too many leave older versions of it in; too few lose records.
--   order_by:   the columns that tell a later version from an earlier one, the most significant first.
{{ config(materialized='dedup', unique_key=${list(key)}${order.length > 0 ? `, order_by=${list(order.slice(0, 1))}` : ''}) }}
select * from {{ source('${group}', '${table}') }}
`;
}

function list(names: readonly string[]): string {
  return `[${names.map((name) => `'${name}'`).join(', ')}]`;
}
