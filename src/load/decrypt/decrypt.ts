import { createHash } from 'node:crypto';
import type { Decryption } from '../../config/config.ts';
import { decryptByCommand } from './command.ts';
import { decryptOpenpgp, loadOpenpgpKeys, type OpenpgpKeys } from './openpgp.ts';

/** Makes plain bytes of encrypted ones, for the files of one source. */
export interface Decryptor {
  /**
   * Finds out what shows without a file: whether the key is there and can be opened.
   * @throws DecryptError
   */
  prepare(): Promise<void>;
  /** Another one whenever the keys are, or the program: a file that could not be decrypted is then worth another try. */
  fingerprint(): Promise<string>;
  /**
   * The plain bytes of one file. They are proven only once the generator has ended by itself. Reads `chunks` to their end.
   * @throws DecryptError; whatever reading `chunks` throws; the signal's reason
   */
  decrypt(chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
}

/**
 * The decryptor that a source is configured with. Keys are read once, when they are first needed.
 * @param redact takes secrets out of a program's arguments, of which a fingerprint is kept in the ledger
 */
export function decryptorFor(how: Decryption, redact = (text: string) => text): Decryptor {
  if ('command' in how) {
    return {
      prepare: async () => {},
      fingerprint: async () => hashOf(how.command.map(redact)),
      decrypt: (chunks, signal) => decryptByCommand(chunks, how, signal),
    };
  }
  let loading: Promise<OpenpgpKeys> | undefined;
  const keys = () => {
    loading ??= loadOpenpgpKeys(how.openpgp);
    return loading;
  };
  return {
    prepare: async () => void (await keys()),
    fingerprint: async () => hashOf((await keys()).keys.map((key) => key.getFingerprint())),
    async *decrypt(chunks) {
      yield* decryptOpenpgp(chunks, await keys());
    },
  };
}

function hashOf(words: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 16);
}
