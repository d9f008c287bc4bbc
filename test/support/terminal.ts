import { clearLine, cursorTo, moveCursor } from 'node:readline';
import { Writable } from 'node:stream';

/** A terminal that keeps what was sent to it, and can say what stands on its screen. */
export class FakeTerminal extends Writable {
  readonly isTTY = true;
  readonly columns: number;
  sent = '';

  constructor(columns = 80) {
    super({ decodeStrings: false });
    this.columns = columns;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.sent += chunk;
    done();
  }

  cursorTo(x: number): boolean {
    return cursorTo(this, x);
  }

  moveCursor(dx: number, dy: number): boolean {
    return moveCursor(this, dx, dy);
  }

  clearLine(direction: -1 | 0 | 1): boolean {
    return clearLine(this, direction);
  }

  /** The lines on the screen, after all that was sent. Knows the few sequences that a progress line uses. */
  screen(): string[] {
    const lines = [''];
    let x = 0;
    let y = 0;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is about control characters
    for (const [token, , count, command] of this.sent.matchAll(/\u001b\[(\??)(\d*)([A-Za-z])|[\s\S]/gu)) {
      const line = lines[y] ?? '';
      if (command === 'G') x = Number(count || 1) - 1;
      else if (command === 'A') y -= Number(count || 1);
      else if (command === 'K')
        lines[y] = count === '' || count === '0' ? line.slice(0, x) : clearedBefore(line, x);
      else if (token === '\n') [x, y] = [0, y + 1];
      else if (command === undefined) {
        lines[y] = line.padEnd(x).slice(0, x) + token + line.slice(x + 1);
        x += 1;
      }
      lines[y] ??= '';
    }
    return lines;
  }
}

function clearedBefore(line: string, x: number): string {
  return ' '.repeat(x) + line.slice(x);
}
