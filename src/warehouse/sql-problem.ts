/**
 * Why DuckDB refuses a query: the first sentences of its message, and the line of the query that it points at, from 1.
 * Pure. Its messages end with a line that begins with `LINE 3:` and repeats the text.
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

/** The prefix that DuckDB's client puts before the message. */
const CLIENT = /^Failed to [a-z ]+: /;
