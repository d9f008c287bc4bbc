import picocolors from 'picocolors';
import type { ProgressReporter, Reporter } from '../reporter.ts';
import { printable, printableJson, printableLines } from './printable.ts';
import { createProgress, showsProgress } from './progress.ts';
import { type OutputStream, wantsColor } from './terminal.ts';

export const LOG_FORMATS = ['text', 'json'] as const;

/** The value of `--log-format`. */
export type LogFormat = (typeof LOG_FORMATS)[number];

type Level = 'info' | 'warn' | 'error';
type Fields = Record<string, unknown>;

export interface LogOptions {
  /** Where lines go: stderr. Data goes to stdout, see `output.ts`. */
  stream: OutputStream;
  format: LogFormat;
  /** `-q`: only warnings and errors, and no progress. */
  quiet: boolean;
  /** Takes the secrets out of a text, see `src/redact.ts`. */
  redact: (text: string) => string;
  clock: () => Date;
  env: NodeJS.ProcessEnv;
}

export interface Logger extends Reporter {
  /** What ended the command, as `describeError` says it; it may be several lines. */
  error(message: string, fields?: Fields): void;
}

/**
 * Everything a command tells a person beside its data: log lines and, on a terminal, a progress line below them.
 *
 * - `text`: `07:31:02  loaded 3 files, 12,345 rows  messaging.convos_metrics`: the time in UTC, the message, and those
 *   fields that are texts (what it is about) and not in the message already; numbers, and the `kind` and `severity` of an item, are
 *   for machines. A `hint` stands on a line of its own, as with an error.
 * - `json`: an object a line: `{"time", "level", "message", ...fields}`
 */
export function createLogger(options: LogOptions): Logger {
  const { stream, format, quiet, redact, clock, env } = options;
  const color = wantsColor(stream, env);
  const write = (level: Level, message: string, fields: Fields = {}) => {
    if (quiet && level === 'info') return;
    stream.write(
      `${format === 'json' ? jsonLine(level, message, fields) : textLine(level, message, fields)}\n`,
    );
  };

  function textLine(level: Level, message: string, fields: Fields): string {
    const paint = picocolors.createColors(color);
    const label = { info: '', warn: paint.yellow('warning: '), error: paint.red('error: ') }[level];
    const { hint, kind: _, severity: __, ...others } = fields;
    const about = Object.values(others).filter(
      (value) => typeof value === 'string' && !message.includes(value),
    );
    // Only an error has several lines; elsewhere a line's end comes from a name, and would forge a line of its own.
    const said = level === 'error' ? printableLines(redact(message)) : printable(redact(message));
    const text = [said, ...about.map((value) => printable(redact(String(value))))].join('  ');
    const advice = typeof hint === 'string' ? `\n  → ${printable(redact(hint))}` : '';
    return `${paint.dim(clock().toISOString().slice(11, 19))}  ${label}${text}${advice}`;
  }

  function jsonLine(level: Level, message: string, fields: Fields): string {
    const head = { time: clock().toISOString(), level, message };
    // The head stands first, and no field takes its place.
    return printableJson(JSON.stringify({ ...head, ...fields, ...head }, (_, value) => plain(value, redact)));
  }

  return {
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    progress: progressFor(options, color),
  };
}

function progressFor(
  { stream, format, quiet, redact, clock, env }: LogOptions,
  color: boolean,
): ProgressReporter {
  const shown = showsProgress({ isTTY: stream.isTTY === true, env, format, quiet });
  return createProgress(shown ? { stream, redact, clock, color } : undefined);
}

/** A field's value as JSON can say it. Secrets are taken out of texts only: a text within a number would break the line. */
function plain(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Error) return redact(value.message);
  return value;
}
