/** What to do where the library does not know a cipher or a curve, and gpg does. */
const LET_GPG = 'Let gpg decrypt it: set decrypt of this source to {command: [gpg, --batch, --decrypt]}.';

/** Why bytes cannot be decrypted. Whoever knows which file it is about makes a `FileError` of it. */
export class DecryptError extends Error {
  /** What to do next, in plain English. */
  readonly hint: string | undefined;

  /** @param message reads on from "FILE cannot be decrypted: " */
  constructor(message: string, { hint, cause }: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause });
    this.name = 'DecryptError';
    this.hint = hint;
  }
}

/** The key or the message is one that the library cannot do, whoever has what opens it. */
export class UnsupportedError extends DecryptError {
  constructor(message: string, cause?: unknown) {
    super(message, { hint: LET_GPG, cause });
    this.name = 'UnsupportedError';
  }
}
