import { isDeepStrictEqual } from 'node:util';
import { parse } from 'dotenv';
import { UsageError } from '../errors.ts';

/**
 * Sets variables in the text of a `.env` file, each in the first line that has it or at the end. Duplicates are
 * removed, and all other lines stay. Pure.
 * @throws UsageError when that cannot be done without changing other variables
 */
export function setVariables(text: string, variables: Readonly<Record<string, string>>): string {
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
  for (const [name, value] of Object.entries(variables)) {
    const isOf = new RegExp(`^\\s*(export\\s+)?${name}\\s*(=|:\\s)`);
    const [first] = lines.flatMap((line, index) => (isOf.test(line) ? [index] : []));
    const kept = lines.filter((line, index) => index === first || !isOf.test(line));
    const written = `${isOf.exec(lines[first ?? -1] ?? '')?.[1] ?? ''}${name}=${quoted(value)}`;
    if (first === undefined) kept.push(written);
    else kept[first] = written;
    lines.splice(0, lines.length, ...kept);
  }
  const result = lines.map((line) => line + end).join('');
  // Values over several lines and unclosed quotes are not understood here, and show up as a difference.
  if (isDeepStrictEqual(parse(result), { ...parse(text), ...variables })) return result;
  throw new UsageError(
    '.env holds values over several lines, or quotes that are not closed, and is left alone',
    {
      hint: `Set these in it by hand: ${Object.keys(variables).join(', ')}`,
    },
  );
}

/** A value as `dotenv` reads it back. */
function quoted(value: string): string {
  if (/^[\w/+=.:@%,-]+$/.test(value)) return value;
  return value.includes("'") ? `"${value}"` : `'${value}'`;
}
