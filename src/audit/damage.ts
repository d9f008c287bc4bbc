import { resolve } from 'node:path';
import prettyBytes from 'pretty-bytes';
import type { Config } from '../config/config.ts';
import { DamagedError } from '../errors.ts';
import { Warehouse } from '../warehouse/warehouse.ts';

/** The error with advice as its hint. The advice is only looked up when the error is shown. */
export async function withAdvice(
  { message, cause, file }: DamagedError,
  config: Config,
): Promise<DamagedError> {
  return new DamagedError(message, { cause, file, hint: await damageAdvice(config, file) });
}

/**
 * What to do about a damaged DuckDB file. The loader's file can be restored or loaded again, and the copy for analysts
 * knows how long that took. The copy itself is made again by the next run.
 * @param file which file it is, where that is known
 */
async function damageAdvice(config: Config, file = config.warehouse): Promise<string> {
  if (resolve(file) === resolve(config.publish))
    return `move it away: the next asapp-warehouse run publishes it anew; or name another file at publish: in ${config.file}`;
  if (resolve(file) !== resolve(config.warehouse)) return 'put back a copy of it that is whole';
  const before = await firstLoad(config).catch(() => undefined);
  return [
    'put back a copy that you kept of it, and run asapp-warehouse run: it loads what came since;',
    `or move it away, with ${file}.wal, and run it: everything that the sources still have is loaded again`,
    ...(before ? [`(${before})`] : []),
    '; if it is no file of ours, name another at warehouse: in warehouse.yaml',
  ]
    .join(' ')
    .replace(' ;', ';');
}

/** How much was loaded, and how long that took; undefined where nothing was. */
async function firstLoad({ publish }: Config): Promise<string | undefined> {
  await using copy = await Warehouse.open(publish, { readOnly: true, key: 'publish' });
  const session = await copy.session();
  const { files, bytes, seconds } = await session.row<Record<'files' | 'bytes' | 'seconds', number>>(
    `SELECT (SELECT count(*) FROM ops.files WHERE superseded_by IS NULL) AS files,
       (SELECT coalesce(sum(bytes), 0)::BIGINT FROM ops.files WHERE superseded_by IS NULL) AS bytes,
       (SELECT coalesce(sum(date_diff('second', started_at, finished_at)), 0)::BIGINT FROM ops.runs WHERE rows_staged > 0) AS seconds`,
  );
  if (files === 0) return undefined;
  return `${files.toLocaleString('en')} files, ${prettyBytes(bytes)}: that took ${duration(seconds)} before`;
}

function duration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.round((seconds % 3600) / 60);
  if (hours > 0) return `${hours} h ${minutes} min`;
  return seconds >= 60 ? `${minutes} min` : `${seconds} s`;
}
