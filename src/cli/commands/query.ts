import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { finished, pipeline } from 'node:stream/promises';
import { ReadOnlyWarehouse } from '../../audit/query/read-only-warehouse.ts';
import { UsageError } from '../../errors.ts';
import { type CommandContext, type CommonOptions, IGNORE_SOURCE_PROBLEMS } from '../command.ts';
import type { ResultFormat } from '../formats.ts';
import { printTable } from '../output.ts';
import { printAnswer } from '../print-result.ts';
import { fileBeside, fileForStream, isText, resultFormat, writeProblem } from '../result-file.ts';
import { xlsxStream } from '../xlsx.ts';

interface QueryOptions extends CommonOptions {
  file?: string;
  to?: string;
  staging?: boolean;
  allowFiles?: boolean;
}

/** `query`: one statement that reads, against the copy that analysts open. */
export default async function query(context: CommandContext<QueryOptions>, sql?: string): Promise<number> {
  const { file, to, staging, allowFiles } = context.options;
  const format = resultFormat(context.options.output as ResultFormat | undefined, to);
  if (to === undefined && !isText(format) && context.stdout.isTTY)
    throw new UsageError(`${format} is no text for a terminal`, {
      hint: `name a file: --to result.${format}`,
    });
  const text = await sqlText(sql, file);
  const config = await context.readConfig(IGNORE_SOURCE_PROBLEMS);
  await using place =
    to !== undefined
      ? await fileBeside(to)
      : isText(format)
        ? undefined
        : await fileForStream(context.stdout);
  await using readOnly = await ReadOnlyWarehouse.open(config, {
    staging,
    allowFiles,
    target: format === 'parquet' ? place?.file : undefined,
  });
  context.signal.addEventListener('abort', () => readOnly.interrupt());
  if (!place) {
    await printAnswer(context, await readOnly.ask(text), isText(format) ? format : undefined);
    return 0;
  }
  try {
    await write(readOnly, text, format, place.file);
    await place.done();
  } catch (error) {
    throw writeProblem(to ?? 'the result', error);
  }
  return 0;
}

async function write(
  readOnly: ReadOnlyWarehouse,
  text: string,
  format: ResultFormat,
  file: string,
): Promise<void> {
  if (format === 'parquet') return readOnly.writeParquet(text);
  const answer = await readOnly.ask(text);
  const stream = createWriteStream(file, { flags: 'wx' });
  if (!isText(format)) return pipeline(await xlsxStream(answer), stream);
  const closed = finished(stream);
  await Promise.race([closed, printTable(answer, { format, stream, color: false })]);
  stream.end();
  return closed;
}

/** SQL comes as an argument, in a file, or through a pipe. */
async function sqlText(sql: string | undefined, file: string | undefined): Promise<string> {
  if (sql !== undefined && sql !== '-' && file !== undefined)
    throw new UsageError('there is SQL in the arguments, and a file of SQL: which is meant?');
  if (file !== undefined && file !== '-')
    return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(
        `${file} cannot be read: ${error.code === 'ENOENT' ? 'there is no such file' : error.code}`,
        {
          cause: error,
        },
      );
    });
  if (sql !== undefined && sql !== '-') return sql;
  if (process.stdin.isTTY)
    throw new UsageError('there is no SQL to run', {
      hint: 'asapp-warehouse query "SHOW TABLES", or asapp-warehouse shell to type one after the other',
    });
  return textOf(process.stdin);
}
