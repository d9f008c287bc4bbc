import { readFile } from 'node:fs/promises';
import type { ReadableStream } from 'node:stream/web';
import type { KeyID, PrivateKey } from 'openpgp';
import type { OpenpgpKey } from '../../config/config.ts';
import { DecryptError, UnsupportedError } from './error.ts';
import { isBinary, MessageInput } from './message-input.ts';
import { Watch } from './watch.ts';

/** The private keys of one file, open. */
export interface OpenpgpKeys {
  file: string;
  keys: PrivateKey[];
  /** Keys of it on a curve that the library does not know, with its name. */
  unsupported: { key: PrivateKey; curve: string }[];
}

/** Streams: what is decrypted comes out before the end of the message, with the proof of all of it, was seen. */
const CONFIG = { allowUnauthenticatedStream: true };

/** The library waits for ever on some damaged messages. Work that goes on shows more often than this. */
const STALL_MS = 30_000;

/**
 * Reads a file of private keys, and opens those that the passphrase opens.
 * @throws DecryptError when there are none, or none can be opened
 */
export async function loadOpenpgpKeys({ privateKey: file, passphrase }: OpenpgpKey): Promise<OpenpgpKeys> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'is not there' : `cannot be read (${cause.code})`;
    throw new DecryptError(`the private key ${file} ${reason}`, {
      hint: `export it with: gpg --armor --export-secret-keys KEY > ${file}`,
      cause,
    });
  });
  const { decryptKey } = await import('openpgp');
  const found = await privateKeysIn(bytes).catch((cause) => {
    throw new DecryptError(`${file} holds no private OpenPGP key`, {
      hint: `export it with: gpg --armor --export-secret-keys KEY > ${file}`,
      cause,
    });
  });
  const keys: PrivateKey[] = [];
  const unsupported: OpenpgpKeys['unsupported'] = [];
  for (const key of found) {
    const curve = unknownCurve(key);
    if (curve !== undefined) unsupported.push({ key, curve });
    else if (key.isDecrypted()) keys.push(key);
    else if (passphrase !== undefined)
      await decryptKey({ privateKey: key, passphrase }).then(
        (open) => keys.push(open),
        () => {},
      );
  }
  if (keys.length > 0) return { file, keys, unsupported };
  const [first] = unsupported;
  if (first)
    throw new UnsupportedError(
      `the private key ${file} is on the curve ${first.curve}, which is not supported here`,
    );
  if (passphrase === undefined) throw new NeedsPassphrase(file);
  throw new DecryptError(`the passphrase does not open the private key ${file}`);
}

const ARMOURED = /-----BEGIN PGP PRIVATE KEY BLOCK-----[\s\S]*?-----END PGP PRIVATE KEY BLOCK-----/g;

/** All keys of a file: where several were exported one after the other, the library reads those of the first block only. */
async function privateKeysIn(bytes: Buffer): Promise<PrivateKey[]> {
  const { readPrivateKeys } = await import('openpgp');
  if (isBinary(bytes)) return readPrivateKeys({ binaryKeys: bytes });
  const text = bytes.toString('latin1');
  const found: PrivateKey[] = [];
  for (const armoredKeys of text.match(ARMOURED) ?? [text])
    found.push(...(await readPrivateKeys({ armoredKeys })));
  return found;
}

/** The library names such curves, and then looks for a package that it does not come with. */
function unknownCurve(key: PrivateKey): string | undefined {
  const curves = key.getKeys().map((each) => each.getAlgorithmInfo().curve);
  return curves.find((curve) => curve?.startsWith('brainpool'));
}

/** The key is there, and nothing was given to open it. */
export class NeedsPassphrase extends DecryptError {
  constructor(file: string) {
    super(`the private key ${file} needs its passphrase`);
  }
}

/**
 * Decrypts one OpenPGP message, armoured or not, as it comes in; memory holds a few chunks. Reads `chunks` to their end.
 *
 * What comes out is proven only once the generator has ended by itself: until then it goes where nobody uses it.
 * @throws DecryptError when it is for another key, was changed, or is not whole; whatever reading `chunks` throws
 */
export async function* decryptOpenpgp(
  chunks: AsyncIterable<Uint8Array>,
  keys: OpenpgpKeys,
  stallMs = STALL_MS,
): AsyncGenerator<Uint8Array> {
  let giveUp = (_: Error) => {};
  using watch = new Watch(stallMs, () => giveUp(new DecryptError(DAMAGED)));
  const within = <T>(work: Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      giveUp = reject;
      watch.alive();
      work.then(resolve, reject);
    });
  const input = await MessageInput.open(chunks, () => watch.alive());
  let output: AsyncIterator<Uint8Array> | undefined;
  try {
    output = (await within(plainBytes(input, keys)))[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await within(output.next());
      if (done) break;
      yield value;
    }
    await input.drain();
  } catch (error) {
    throw input.failure ?? explained(error);
  } finally {
    // Not waited for: what has come to rest does not answer.
    output?.return?.().catch(() => {});
    input.close().catch(() => {});
  }
}

async function plainBytes(
  input: MessageInput,
  { file, keys, unsupported }: OpenpgpKeys,
): Promise<ReadableStream<Uint8Array>> {
  const { decrypt, readMessage } = await import('openpgp');
  const message = input.isArmored
    ? await readMessage({ armoredMessage: input.text(), config: CONFIG })
    : await readMessage({ binaryMessage: input.bytes(), config: CONFIG });
  const wanted = message.getEncryptionKeyIDs();
  if (wanted.length === 0) throw new DecryptError('it is not encrypted for any key');
  const held = keys.flatMap((key) => key.getKeyIDs());
  const isFor = (ids: readonly KeyID[]) => wanted.some((id) => ids.some((key) => id.equals(key, true)));
  const unknown = isFor(held) ? undefined : unsupported.find(({ key }) => isFor(key.getKeyIDs()));
  if (unknown)
    throw new UnsupportedError(
      `it is encrypted for ${names(wanted)}, on the curve ${unknown.curve}, which is not supported here`,
    );
  if (!isFor(held))
    throw new DecryptError(`it is encrypted for ${names(wanted)}, and ${file} holds ${names(held)}`, {
      hint: 'Set private_key to the key whose public half ASAPP was given.',
    });
  const { data } = await decrypt({ message, decryptionKeys: keys, format: 'binary', config: CONFIG });
  return data;
}

function names(ids: readonly KeyID[]): string {
  return `the key${ids.length === 1 ? '' : 's'} ${ids.map((id) => id.toHex().toUpperCase()).join(', ')}`;
}

const DAMAGED = 'it was damaged or changed after it was encrypted';

/** What the library says of a message, in our words. */
function explained(error: unknown): unknown {
  if (error instanceof DecryptError || !(error instanceof Error)) return error;
  const said = error.message.replace(/^Error decrypting message: /, '');
  if (UNSUPPORTED.test(said))
    return new UnsupportedError(
      'it is encrypted with a cipher that is not supported here, such as TWOFISH or CAMELLIA: AES, 3DES and CAST5 are',
      error,
    );
  for (const [pattern, meaning] of MEANINGS)
    if (pattern.test(said)) return new DecryptError(meaning, { cause: error });
  return new DecryptError(`it is not a message that can be read here: ${said.split('\n')[0]}`, {
    hint: 'Try what gpg makes of it: gpg --decrypt FILE',
    cause: error,
  });
}

const UNSUPPORTED = /^(A non-preferred symmetric algorithm|Invalid enum value|Unsupported cipher)/;

const MEANINGS: [RegExp, string][] = [
  [/^(Unexpected end of packet|Misformed armored text)/, 'it is cut short'],
  // The keys that it names were compared before: a message may also leave open which one it is for.
  [
    /^(Session key decryption failed|Key Data Integrity failed|Decryption error|Data too large)/,
    'it is for another key, or damaged',
  ],
  // AEAD packets prove each chunk of theirs, in the words of whoever computes that: the library, or Node for GCM.
  [
    /^(Authentication tag mismatch|Unsupported state or unable to authenticate|Invalid point encoding)/,
    DAMAGED,
  ],
  [
    /^(No encrypted data found|Modification detected|Error during parsing|Parsing |Unexpected packet|Version )/,
    DAMAGED,
  ],
  [
    /^Message is not authenticated/,
    'it is encrypted in an outdated way, which does not show whether it was changed',
  ],
];
