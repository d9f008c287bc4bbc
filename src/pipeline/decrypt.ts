import type { Decryption } from '../config/config.ts';
import { decryptByCommand } from './decrypt/command.ts';
import { decryptOpenpgp, loadOpenpgpKeys, type OpenpgpKeys } from './decrypt/openpgp.ts';

/** Makes plain bytes of encrypted ones, for the files of one source. */
export interface Decryptor {
  /**
   * Finds out what shows without a file: whether the key is there and can be opened.
   * @throws DecryptError
   */
  prepare(): Promise<void>;
  /**
   * The plain bytes of one file. They are proven only once the generator has ended by itself. Reads `chunks` to their end.
   * @throws DecryptError; whatever reading `chunks` throws; the signal's reason
   */
  decrypt(chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
}

/** The decryptor that a source is configured with. Keys are read once, when they are first needed. */
export function decryptorFor(how: Decryption): Decryptor {
  if ('command' in how) {
    return {
      prepare: async () => {},
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
    async *decrypt(chunks) {
      yield* decryptOpenpgp(chunks, await keys());
    },
  };
}
