import type { z } from 'zod';
import { SECRET_NAME } from '../redact.ts';
import type { Mark } from './tree.ts';

const TYPES: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
  record: 'a mapping of names to values',
};

/**
 * What a definition allows, as the beginning of a sentence: `must be a whole number`. Used where the definition has no
 * message of its own.
 */
export function allowedMessage(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${isInteger(issue) ? TYPES.int : (TYPES[issue.expected] ?? issue.expected)}`;
    case 'invalid_value':
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}`
        : `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.origin === 'string') return 'must be text that is not empty';
      if (issue.origin === 'array') return `must list at least ${issue.minimum}`;
      return `must be ${issue.inclusive ? `${issue.minimum} or more` : `more than ${issue.minimum}`}`;
    case 'too_big':
      if (issue.origin === 'string') return `must be text of at most ${issue.maximum} characters`;
      if (issue.origin === 'array') return `must list at most ${issue.maximum}`;
      return `must be ${issue.inclusive ? `${issue.maximum} or less` : `less than ${issue.maximum}`}`;
    case 'invalid_format':
      return `must be a valid ${issue.format === 'url' ? 'URL' : issue.format}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'must be another name';
    case 'invalid_union': {
      const choices = issue.errors.flat().map(({ message }) => message.replace(/^must be /, ''));
      return `must be ${[...new Set(choices)].join(' or ')}`;
    }
    default:
      return 'must be something else';
  }
}

/** Whether a whole number is wanted: zod reports a missing one as "number". */
function isInteger(issue: z.core.$ZodRawIssue): boolean {
  const definition = (issue.inst as { _zod?: { def?: { format?: string } } } | undefined)?._zod?.def;
  return definition?.format === 'safeint';
}

/** A number as it may come from a variable. */
export const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/** The whole message: what is allowed, what was given instead, and what to do if only quotes are wrong. */
export function problemMessage(
  issue: z.core.$ZodIssue,
  value: unknown,
  mark: Mark | undefined,
  secret: boolean,
): string {
  // The messages of rules over a whole list or mapping, and of unions, are complete: that the value is a list would not
  // help.
  if (['custom', 'invalid_union'].includes(issue.code) && typeof value === 'object') return issue.message;
  const actual =
    issue.code === 'invalid_key' ? JSON.stringify(issue.path.at(-1)) : shown(value, mark, secret);
  return `${issue.message}, but is ${actual}${quotingAdvice(issue, value, mark)}`;
}

/** What to do about a value of the wrong type, where adding or removing quotes is enough. */
function quotingAdvice(issue: z.core.$ZodIssue, value: unknown, mark: Mark | undefined): string {
  if (issue.code !== 'invalid_type' || mark?.variables.length) return '';
  if (
    issue.message === `must be ${TYPES.string}` &&
    (typeof value === 'number' || typeof value === 'boolean')
  )
    return ' (put it in quotes)';
  const wantsNumber = issue.expected === 'number' || issue.expected === 'int';
  const quoted =
    typeof value === 'string' &&
    ((wantsNumber && NUMBER.test(value)) || (issue.expected === 'boolean' && /^(true|false)$/.test(value)));
  return quoted ? ' (leave out the quotes)' : '';
}

/** A value as a message shows it. */
export function shown(value: unknown, mark: Mark | undefined, secret: boolean): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'left empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  const from = mark?.variables.length
    ? ` (from ${mark.variables.map((name) => `\${${name}}`).join(' ')})`
    : '';
  if (secret || mark?.variables.some((name) => SECRET_NAME.test(name)))
    return `${typeof value === 'string' ? 'a text' : `a ${typeof value}`} that is not shown here${from}`;
  if (typeof value === 'string')
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value) + from;
  return mark?.source ?? String(value);
}
