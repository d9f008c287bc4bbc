import type { ListedFile } from '../connectors/connector.ts';
import type { FileError } from '../errors.ts';
import type { FileName, PartitionKey } from '../feeds/paths.ts';

/**
 * The way of a file, from a listing to its rows: each of these adds to the one before what one more stage has found out.
 *
 * listed (`connectors/`) -> found (`discover.ts`) -> wanted (`plan.ts`, `batches.ts`) -> landed (`landing.ts`) -> staged
 * (`staging/stage.ts`). `partition.ts` does the same for partitions.
 */

/** A listed file whose path follows the vendor's conventions. */
export interface FoundFile extends ListedFile {
  /** What its name says. */
  name: FileName;
  partition: PartitionKey;
}

/** Compressed JSON becomes about so many times larger; what encrypts usually compresses, too. */
const GZIP_RATIO = 10;

/** About how many bytes of text are in a file. */
export function textBytes({ bytes, name }: FoundFile): number {
  return name.gzip || name.encrypted ? bytes * GZIP_RATIO : bytes;
}

/** A file that is to be staged. */
export interface WantedFile extends FoundFile {
  /** Its number in `ops.files`, once it is staged. */
  fileId: number;
}

/** A file that has arrived whole and lies on this machine as plain JSON Lines, all of whose bytes were looked at. */
export interface LandedFile extends WantedFile {
  /** Where the plain text lies. */
  text: string;
  /** Of the bytes as delivered. */
  sha256: string;
  /** Lines that are not blank. */
  lines: number;
  /** Blank lines or a byte order mark: to be read the careful way. */
  irregular: boolean;
  /** Bytes of the longest line. */
  longest: number;
  /** Throws when the file has changed since it was looked at; called before its rows are committed. */
  recheck(): Promise<void>;
  /** Removes what was made for it; the delivered file itself stays. */
  remove(): Promise<void>;
}

/** A file whose lines are staged or kept as rejected ones, each of them. */
export interface StagedFile extends LandedFile {
  staged: number;
  rejected: number;
}

/** What became of the lines of a file: `lines = staged + rejected`. */
export type LineCounts = Pick<StagedFile, 'lines' | 'staged' | 'rejected'>;

/** A file that could not be landed, or not be staged. */
export interface FailedFile {
  file: WantedFile;
  error: FileError;
  /** See `FileFailure.fingerprint`. */
  fingerprint?: string;
}
