import type { ResultRows } from '../warehouse/values.ts';
import { cellText } from './cells.ts';
import type { CommandContext } from './command.ts';
import type { OutputFormat } from './formats.ts';
import { printableLines } from './printable.ts';

/** Prints the result of a statement. A query plan is a drawing, and people get it as one, without a table around it. */
export async function printAnswer(
  { print, write, options }: CommandContext,
  answer: ResultRows,
  format: OutputFormat = options.output,
): Promise<void> {
  const isPlan = answer.columns.map(({ name }) => name).join() === 'explain_key,explain_value';
  if (!isPlan || format !== 'table') return print(answer, format);
  for await (const [, plan] of answer.rows) write(`${printableLines(cellText(plan ?? ''))}\n`);
}
