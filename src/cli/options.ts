import { type Command, InvalidArgumentError, Option } from 'commander';

/**
 * How the values of options are read. What does not fit ends the command with one line, and commander's name of the option:
 * nothing here may throw anything but an InvalidArgumentError.
 */

/** A day, in UTC. */
export function day(text: string): Date {
  const [, year, month, date] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  const time = new Date(Date.UTC(Number(year), Number(month) - 1, Number(date)));
  // The 30th of February would be one of March, and the year 26 one of the last century.
  if (!Number.isNaN(time.getTime()) && time.toISOString().startsWith(text)) return time;
  throw new InvalidArgumentError('It is not a day of the calendar, written like 2026-01-31.');
}

/** A number of things. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is not a whole number from 1.');
}

/** An option that may be given several times, and then means all of them. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be given several times`).argParser(collected);
}

function collected(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/**
 * Refuses a second value for an option that takes one: commander would take the last, and do less than was asked for without a
 * word.
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
