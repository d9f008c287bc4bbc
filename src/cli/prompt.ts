import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { UsageError } from '../errors.ts';

/** A terminal that a person types at. */
export interface Terminal {
  input: NodeJS.ReadStream;
  /** Questions are written here; what is typed is not echoed. */
  output: NodeJS.WriteStream;
}

/** Whether a person can be asked. */
export function canAsk({ input, output }: Terminal): boolean {
  return input.isTTY === true && output.isTTY === true;
}

/**
 * Asks for a secret, which is not shown while it is typed.
 * @throws UsageError when nothing is given: Ctrl+C, Ctrl+D
 */
export async function askSecret(question: string, { input, output }: Terminal): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // With `terminal: true` readline switches off the system's echo as well.
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  output.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.on('line', resolve);
      lines.on('close', () => reject(new UsageError('nothing was typed, and nothing was done')));
    });
  } finally {
    lines.close();
    output.write('\n');
  }
}

/** Asks whether to do something. Anything but yes is a no, and so is Ctrl+D. */
export async function askWhether(question: string, { input, output }: Terminal): Promise<boolean> {
  const lines = createInterface({ input, output });
  try {
    const answer = await new Promise<string>((resolve) => {
      lines.on('close', () => resolve(''));
      lines.question(question, resolve);
    });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
