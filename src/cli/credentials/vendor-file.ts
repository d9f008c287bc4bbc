import { UsageError } from '../../errors.ts';

/** The credentials that the vendor gives a customer to read its feeds from S3. */
export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  bucket: string;
  /** The folder in the bucket that holds the feeds; empty: the root. */
  prefix: string;
}

/** The columns, in order, and the format of each (vendor guide "Retrieving data from S3", *Authentication*). */
const COLUMNS: { name: string; allowed: RegExp; must: string }[] = [
  { name: 'id', allowed: /^\w{4,128}$/, must: 'must be 4 to 128 letters and digits' },
  {
    name: 'secret',
    allowed: /^[\x21-\x7e]{8,256}$/,
    must: 'must be 8 to 256 characters, with no blank in between',
  },
  {
    name: 'bucket',
    allowed: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    must: 'must be the name of a bucket: small letters, digits, . and -',
  },
  {
    name: 'sub-folder',
    allowed: /^[^\\?*\p{Cc}]*$/u,
    must: 'must be the path of a folder, or left out',
  },
];

/**
 * Reads the vendor's tab-delimited file: one line `id secret bucket sub-folder`, without the last where there is none,
 * after an optional header line. Pure.
 * @param file its name for messages, which name the line but quote none of it
 * @throws UsageError when it is anything else
 */
export function parseVendorFile(text: string, file: string): S3Credentials {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  let found: S3Credentials | undefined;
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const cells = line
      .trimEnd()
      .split('\t')
      .map((cell) => cell.trim());
    if (found === undefined && isHeader(cells)) continue;
    const wrong = found
      ? 'is a second set of credentials: give each a file of its own, and import them one by one'
      : problem(cells);
    if (wrong !== undefined) throw refused(`${file}:${index + 1}: ${wrong}`);
    const [accessKeyId = '', secretAccessKey = '', bucket = '', folder = ''] = cells;
    found = { accessKeyId, secretAccessKey, bucket, prefix: folder.replace(/^\/+|\/+$/g, '') };
  }
  if (found === undefined) throw refused(`${file} holds no credentials`);
  return found;
}

function problem(cells: readonly string[]): string | undefined {
  if (cells.length < 3 || cells.length > 4)
    return `has ${cells.length} column${cells.length === 1 ? '' : 's'}, and must have 3 or 4, with a tab between them: ${COLUMNS.map(({ name }) => name).join(', ')}`;
  const at = COLUMNS.findIndex(({ allowed }, index) => !allowed.test(cells[index] ?? ''));
  const column = COLUMNS[at];
  return column && `column ${at + 1}, ${column.name}, ${column.must}`;
}

/** Whether a line is a header, in any of its known spellings. */
function isHeader([id = '', secret = '']: readonly string[]): boolean {
  const plain = (name: string) => name.toLowerCase().replace(/[ _-]/g, '');
  return /^(aws)?(access)?(key)?id$/.test(plain(id)) && /^(aws)?secret(access)?(key)?$/.test(plain(secret));
}

function refused(message: string): UsageError {
  return new UsageError(message, {
    hint: 'It is the file that ASAPP hands over, encrypted with GPG or decrypted, and nothing was changed.',
  });
}
