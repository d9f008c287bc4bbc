/**
 * What DuckDB has against a query: its first sentences, and the line of the query that it points at, from 1. Pure.
 * Its messages end in a line that begins with `LINE 3:`, which repeats the text.
 */
export function sqlProblem(error: unknown): { message: string; line: number | undefined } {
  const text = error instanceof Error ? error.message : String(error);
  const pointer = /\n+LINE (\d+):[\s\S]*$/.exec(text);
  const said = pointer ? text.slice(0, pointer.index) : text;
  return {
    message: said
      .trim()
      .replace(CLIENT, '')
      .replace(/\s*\n\s*/g, ' '),
    line: pointer ? Number(pointer[1]) : undefined,
  };
}

/** What DuckDB's client puts before the message. */
const CLIENT = /^Failed to [a-z ]+: /;
