import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import pMap from 'p-map';
import type { Connector, ListedFile } from '../../src/connectors/connector.ts';
import type { Options } from '../../src/connectors/file-exporter/connector.ts';
import type { S3Options } from '../../src/connectors/s3/options.ts';
import { s3 } from '../../src/connectors/s3.ts';
import type { SftpOptions } from '../../src/connectors/sftp/connector.ts';
import { sftp } from '../../src/connectors/sftp.ts';

/**
 * Fetches files as `load` does, in a process of its own: `node fetch-script.js`, what to fetch as JSON on stdin. Prints
 * how many seconds it took, from before the connection was opened until after it was closed.
 */
export interface Wanted {
  /** Where from: one of these. */
  sftp?: SftpOptions;
  fileExporter?: Options & { ca: string };
  s3?: S3Options;
  /** Left out: all that is listed. */
  files?: readonly ListedFile[];
  /** Where the files go, each by its number. */
  folder: string;
}

/** As many as `load` fetches at the same time. */
const FETCHES = 8;

const { files: wanted, folder, ...from } = JSON.parse(await text(process.stdin)) as Wanted;
const start = performance.now();
{
  await using connector = await open(from);
  const files = wanted ?? connector.files('');
  await pMap(files, (file, number) => connector.fetch(file, join(folder, String(number))), {
    concurrency: FETCHES,
  });
}
process.stdout.write(String((performance.now() - start) / 1000));

/** Loads the client library, which is part of what is measured, and connects. */
async function open({
  sftp: server,
  s3: bucket,
  fileExporter,
}: Omit<Wanted, 'files' | 'folder'>): Promise<Connector> {
  if (server) return sftp.open(server);
  if (bucket) return s3.open(bucket);
  if (!fileExporter) throw new Error('there is nowhere to fetch from');
  const { ca, ...options } = fileExporter;
  const { FileExporter } = await import('../../src/connectors/file-exporter/connector.ts');
  return new FileExporter(options, { ca });
}
