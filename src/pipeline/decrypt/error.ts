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
