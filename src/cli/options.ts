import { type Command, InvalidArgumentError, Option } from 'commander';

/**
 * Parsers for the values of options. A wrong value ends the command with one line and the option's name, so these
 * functions must only throw InvalidArgumentError.
 */

/** A day, in UTC. */
export function day(text: string): Date {
  const [, year, month, date] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  const time = new Date(Date.UTC(Number(year), Number(month) - 1, Number(date)));
  // JavaScript reads 30 February as a day in March, and the year 26 as 1926.
  if (!Number.isNaN(time.getTime()) && time.toISOString().startsWith(text)) return time;
  throw new InvalidArgumentError('It is not a day of the calendar, written like 2026-01-31.');
}

/** A count, at least 1. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is not a whole number from 1.');
}

/** An option that may be given several times; all values count. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be given several times`).argParser(collected);
}

function collected(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/**
 * Refuses a second value for an option that takes one. Commander would silently use the last, and do less than was
 * asked.
 */
export function refuseSecondValues(command: Command): void {
  for (const option of command.options) {
    if (option.isBoolean() || option.variadic || option.parseArg === collected) continue;
    let given = false;
    command.on(`option:${option.name()}`, () => {
      if (given) command.error(`error: option '${option.flags}' was given twice`);
      given = true;
    });
  }
}
