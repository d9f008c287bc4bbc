import { type Limits, limitText, sizeText } from '../../limits.ts';
import { KEPT_BYTES } from '../lines.ts';

/** Why a line could not be staged: `ops.rejected_rows.reason`, with a sentence for a person in `detail`. Pure. */
export type Reason =
  | 'invalid_utf8'
  | 'invalid_json'
  | 'truncated'
  | 'more_than_one_value'
  | 'not_an_object'
  | 'duplicate_key'
  | 'line_too_long'
  | 'too_many_fields'
  | 'key_type';

export interface Rejection {
  reason: Reason;
  detail: string;
}

/** What there is to say of a line where its reason says it all. */
export function reasons(limits: Limits): Partial<Record<Reason, string>> {
  const kept = sizeText(Math.min(KEPT_BYTES, limits.line_bytes));
  return {
    line_too_long: `the line is longer than ${limitText(limits, 'line_bytes')}: only its first ${kept} are kept here`,
    too_many_fields: `the object has more fields than ${limitText(limits, 'object_keys')}`,
    invalid_utf8: 'the line is not valid UTF-8',
    not_an_object: 'the line is valid JSON, but not an object',
    duplicate_key: 'the object has the same field twice: which value is meant cannot be known',
  };
}

/** Says of a line that DuckDB does not read what is wrong with it, more closely than DuckDB does. */
export function unreadable(text: string): Rejection {
  try {
    JSON.parse(text);
  } catch (error) {
    const detail = (error as Error).message;
    if (/end of JSON input|Unterminated/i.test(detail))
      return { reason: 'truncated', detail: 'the line is cut off' };
    if (/after JSON/i.test(detail)) {
      return { reason: 'more_than_one_value', detail: 'the line holds more than one JSON value' };
    }
    // V8 quotes a piece of the line, which is data: the line itself is kept in `raw`.
    const position = /position \d+/.exec(detail)?.[0];
    return {
      reason: 'invalid_json',
      detail: `the line is not valid JSON${position ? `, at ${position}` : ''}`,
    };
  }
  return { reason: 'invalid_json', detail: 'the line is not valid JSON as DuckDB reads it' };
}
