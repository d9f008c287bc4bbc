import type { ListedFile } from '../connectors/connector.ts';
import type { FileFailure } from '../ledger/tables.ts';

const FIRST_WAIT_MS = 15 * 60_000;
const LONGEST_WAIT_MS = 24 * 3600_000;

/**
 * When a file whose bytes came whole and could not be read is worth fetching again; undefined: now. Pure.
 *
 * The same bytes read in the same way come to the same, and may be many. So the wait doubles with each try, from a
 * quarter of an hour to a day: not longer, since what may have changed is not always to be seen, such as the keyring of
 * a program. Another version of the file, or another key, is tried at once.
 * @param fingerprint of how it would be read now, see `FileFailure.fingerprint`
 */
export function fetchedAgainAt(
  failure: FileFailure | undefined,
  { bytes, etag }: ListedFile,
  fingerprint: string,
  now: Date,
): Date | undefined {
  if (!failure || failure.bytes !== bytes || failure.etag !== etag) return undefined;
  // One that did not even come, or that lies on this machine, has none.
  if (failure.fingerprint !== fingerprint) return undefined;
  const wait = Math.min(FIRST_WAIT_MS * 2 ** (failure.attempts - 1), LONGEST_WAIT_MS);
  const at = new Date(failure.last_failed_at.getTime() + wait);
  return at > now ? at : undefined;
}
