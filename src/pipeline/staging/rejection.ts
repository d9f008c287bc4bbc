/** Why a line could not be staged: `ops.rejected_rows.reason`, with a sentence for a person in `detail`. Pure. */
export interface Rejection {
  reason:
    | 'invalid_utf8'
    | 'invalid_json'
    | 'truncated'
    | 'more_than_one_value'
    | 'not_an_object'
    | 'duplicate_key';
  detail: string;
}

/**
 * Says of a line that DuckDB does not read what is wrong with it, more closely than DuckDB does.
 * @param found what kind of fault it is
 * @param text the line; empty when it is no text
 */
export function rejectionOf(found: Rejection['reason'], text: string): Rejection {
  switch (found) {
    case 'invalid_utf8':
      return { reason: found, detail: 'the line is not valid UTF-8' };
    case 'not_an_object':
      return { reason: found, detail: 'the line is valid JSON, but not an object' };
    case 'duplicate_key':
      return {
        reason: found,
        detail: 'the object has the same field twice: which value is meant cannot be known',
      };
    default:
      return invalidJson(text);
  }
}

function invalidJson(text: string): Rejection {
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
