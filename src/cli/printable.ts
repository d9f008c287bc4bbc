/**
 * Characters that could move a terminal's cursor, change its colours or reverse the direction of text: control
 * characters (C0, DEL, C1), bidirectional controls, line and paragraph separators, the byte order mark.
 */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\ufeff]/gu;

const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Untrusted text, safe to show on one line of a terminal: control characters are escaped as `\x1b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => NAMED[char] ?? spelled(char));
}

/** The same for several lines of text. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/**
 * The same for a JSON document, without changing its meaning. Below U+0080 only DEL can occur in its strings; blanks
 * and line ends may stand between its parts, and stay.
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
