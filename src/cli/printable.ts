/**
 * What would move a terminal's cursor, colour it, or turn the direction of what follows: control characters (C0, DEL,
 * C1), bidirectional controls, line and paragraph separators, the byte order mark.
 */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\ufeff]/gu;

const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A text from anywhere, safe to show on a terminal, on one line: control characters are spelled out, `\x1b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => NAMED[char] ?? spelled(char));
}

/** The same for several lines of text. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/**
 * The same for a JSON document: it stays the same document. Below U+0080 JSON has nothing to hide but DEL, since control
 * characters are not allowed in its strings, and blanks and line ends may stand between its parts.
 */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (char) => (char < ' ' ? char : `\\u${hex(char, 4)}`));
}

function spelled(char: string): string {
  return char < '\u0100' ? `\\x${hex(char, 2)}` : `\\u${hex(char, 4)}`;
}

function hex(char: string, digits: number): string {
  return char.charCodeAt(0).toString(16).padStart(digits, '0');
}
