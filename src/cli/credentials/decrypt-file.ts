import { Readable } from 'node:stream';
import { UsageError } from '../../errors.ts';
import { DecryptError, UnsupportedError } from '../../load/decrypt/error.ts';
import { isBinary } from '../../load/decrypt/message-input.ts';
import {
  decryptOpenpgp,
  loadOpenpgpKeys,
  NeedsPassphrase,
  type OpenpgpKeys,
} from '../../load/decrypt/openpgp.ts';
import { fileError } from '../../load/inspect.ts';

/** What it takes to decrypt the vendor's file. */
export interface DecryptionInput {
  /** The file with the private key. */
  privateKey: string | undefined;
  passphrase: string | undefined;
  /** Asks a person for the passphrase; left out where there is nobody to ask. */
  ask?: () => Promise<string>;
}

/**
 * The text of the vendor's file.
 * @param file its name, for messages
 * @throws UsageError when the key or its passphrase is missing or is not right, or it is no text
 * @throws FileError when it cannot be decrypted
 */
export async function vendorText(bytes: Uint8Array, file: string, opener: DecryptionInput): Promise<string> {
  const plain = isEncrypted(bytes) ? await decrypted(bytes, file, opener) : bytes;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(plain);
  } catch (cause) {
    throw new UsageError(`${file} is not text`, {
      hint: 'It must be the file that ASAPP hands over, encrypted with GPG or decrypted.',
      cause,
    });
  }
}

/** Whether the vendor's file has to be decrypted before it can be read. */
export function isEncrypted(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes).toString('latin1', 0, 4096);
  const isMarked = head.startsWith('\xef\xbb\xbf');
  return (isBinary(bytes) && !isMarked) || head.includes('-----BEGIN PGP MESSAGE');
}

async function decrypted(bytes: Uint8Array, file: string, opener: DecryptionInput): Promise<Uint8Array> {
  const { privateKey } = opener;
  if (privateKey === undefined)
    throw new UsageError(`${file} is encrypted, and no key is given`, {
      hint: `give it with --private-key, or ${gpgHint(file)}`,
    });
  const keys = await keysOf({ ...opener, privateKey });
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of decryptOpenpgp(Readable.from([bytes]), keys)) chunks.push(chunk);
    return Buffer.concat(chunks);
  } catch (error) {
    throw fileError(file, error instanceof UnsupportedError ? withGpgHint(error, file) : error);
  }
}

function gpgHint(file: string): string {
  return `let gpg do it: gpg --decrypt ${file} | asapp-warehouse credentials import /dev/stdin`;
}

/** The error with another hint, since there is no source yet whose `decrypt` could be set. */
function withGpgHint({ message }: UnsupportedError, file: string): DecryptError {
  return new DecryptError(message, { hint: gpgHint(file) });
}

/** Loads the keys of a file. Errors are usage errors, since they concern what was typed and not the vendor's file. */
async function keysOf({
  privateKey,
  passphrase,
  ask,
}: DecryptionInput & { privateKey: string }): Promise<OpenpgpKeys> {
  try {
    return await loadOpenpgpKeys({ privateKey, passphrase }).catch(async (error) => {
      if (!(error instanceof NeedsPassphrase)) throw error;
      if (ask) return loadOpenpgpKeys({ privateKey, passphrase: await ask() });
      throw new UsageError(error.message, {
        hint: 'set ASAPP_GPG_PASSPHRASE, or run this on a terminal, where it is asked for',
      });
    });
  } catch (error) {
    if (!(error instanceof DecryptError)) throw error;
    if (error instanceof UnsupportedError)
      throw new UsageError(error.message, { hint: gpgHint('FILE'), cause: error });
    // The error's own hint would overwrite the named file. An error without a hint means a wrong passphrase.
    throw new UsageError(error.message, {
      hint: error.hint
        ? 'name the right file with --private-key, or make it: gpg --armor --export-secret-keys KEY > key.asc'
        : 'set ASAPP_GPG_PASSPHRASE to the right one, or leave it out and type it when you are asked',
    });
  }
}
