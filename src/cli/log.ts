import picocolors from 'picocolors';
import type { ProgressReporter, Reporter } from '../reporter.ts';
import type { LogFormat } from './formats.ts';
import { printable, printableJson, printableLines } from './printable.ts';
import { createProgress, showsProgress } from './progress.ts';
import { type OutputStream, wantsColor } from './terminal.ts';

type Level = 'info' | 'warn' | 'error';
type LogFields = Record<string, unknown>;

export interface LogOptions {
  /** Where lines go: stderr. Data goes to stdout, see `output.ts`. */
  stream: OutputStream;
  format: LogFormat;
  /** `-q`: only warnings and errors, and no progress. */
  quiet: boolean;
  /** Redacts the secrets in a text, see `src/redact.ts`. */
  redact: (text: string) => string;
  clock: () => Date;
  env: NodeJS.ProcessEnv;
}

export interface Logger extends Reporter {
  /** The error that ended the command, as `describeError` writes it; it may have several lines. */
  error(message: string, fields?: LogFields): void;
}

/**
 * Everything that a command tells a person besides its data: log lines and, on a terminal, a progress line below them.
 *
 * - `text`: `07:31:02  loaded 3 files, 12,345 rows  messaging.convos_metrics`: the time in UTC, the message, and the
 *   fields that are text and not in the message already. Numbers, and the `kind` and `severity` of an item, are only
 *   for machines. A `hint` gets a line of its own, as with an error.
 * - `json`: one object on each line: `{"time", "level", "message", ...fields}`
 */
export function createLogger(options: LogOptions): Logger {
  const { stream, format, quiet, redact, clock, env } = options;
  const color = wantsColor(stream, env);
  const write = (level: Level, message: string, fields: LogFields = {}) => {
    if (quiet && level === 'info') return;
    stream.write(
      `${format === 'json' ? jsonLine(level, message, fields) : textLine(level, message, fields)}\n`,
    );
  };

  function textLine(level: Level, message: string, fields: LogFields): string {
    const paint = picocolors.createColors(color);
    const label = { info: '', warn: paint.yellow('warning: '), error: paint.red('error: ') }[level];
    const { hint, kind: _, severity: __, ...others } = fields;
    const about = Object.values(others).filter(
      (value) => typeof value === 'string' && !message.includes(value),
    );
    // Only errors may have several lines. Elsewhere a line break comes from a name in the data, and would forge a log
    // line.
    const said = level === 'error' ? printableLines(redact(message)) : printable(redact(message));
    const text = [said, ...about.map((value) => printable(redact(String(value))))].join('  ');
    const advice = typeof hint === 'string' ? `\n  → ${printable(redact(hint))}` : '';
    return `${paint.dim(clock().toISOString().slice(11, 19))}  ${label}${text}${advice}`;
  }

  function jsonLine(level: Level, message: string, fields: LogFields): string {
    const head = { time: clock().toISOString(), level, message };
    // The head comes first, and is repeated so that no field can replace it.
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

/** A field's value for JSON. Secrets are redacted in texts only: a replacement inside a number would break the line. */
function plain(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Error) return redact(value.message);
  return value;
}
