import { ConfigError, WarehouseError } from '../errors.ts';

/** How many problems are listed. A file with more is probably the wrong file. */
const MAX_PROBLEMS = 50;

/**
 * An error as text for a person: what happened and why, and on a line of its own what to do next.
 * @param debug adds the stack trace
 */
export function describeError(error: unknown, { debug }: { debug: boolean }): string {
  const { text, hint } = summary(error);
  return [text, ...(hint ? [`  → ${hint}`] : []), ...(debug ? [stacks(error)] : [])].join('\n');
}

/** An error as fields for JSON logs. */
export function errorFields(
  error: unknown,
  { debug }: { debug: boolean },
): { message: string } & Record<string, unknown> {
  const { text, hint } = summary(error);
  return {
    message: error instanceof ConfigError ? 'the configuration has problems' : text,
    code: error instanceof WarehouseError ? error.code : 'unexpected',
    ...(error instanceof ConfigError && { problems: error.problems }),
    ...(hint !== undefined && { hint }),
    ...(debug && { stack: stacks(error) }),
  };
}

function summary(error: unknown): { text: string; hint?: string } {
  if (error instanceof ConfigError) {
    const count = error.problems.length;
    const all = error.message.split('\n').map((line) => `  ${line}`);
    const more = all.length - MAX_PROBLEMS;
    const lines =
      more > 0 ? [...all.slice(0, MAX_PROBLEMS), `  and ${more.toLocaleString('en-US')} more`] : all;
    return {
      text: [`the configuration has ${count} problem${count === 1 ? '' : 's'}:`, ...lines].join('\n'),
      hint: error.hint,
    };
  }
  if (error instanceof WarehouseError) return { text: withReason(error), hint: error.hint };
  if (error instanceof Error && error.message.startsWith('Out of Memory Error'))
    return {
      text: `DuckDB has not enough memory: ${error.message.split('\n')[0]}`,
      hint: 'raise memory_limit in warehouse.yaml, or lower threads: each takes its share',
    };
  return {
    text: `unexpected: ${withReason(error).replace(/\s*\n\s*/g, ' ')}`,
    hint: 'run again with DEBUG=asapp-warehouse for the stack trace',
  };
}

/** The message, followed by the root cause unless the message already has it. */
function withReason(error: unknown): string {
  const message = error instanceof Error ? messageOf(error) : String(error);
  const reason = rootReason(error);
  if (reason === '' || message.includes(reason)) return message;
  return reason.includes(message) ? reason : `${message}: ${reason}`;
}

/** The first line of the deepest cause that says anything. */
function rootReason(error: unknown): string {
  let reason = '';
  for (const cause of causes(error)) {
    const text = (cause instanceof Error ? messageOf(cause) : String(cause)).split('\n')[0]?.trim();
    if (text) reason = text;
  }
  return reason;
}

/** The causes of an error, outermost first. Each is given only once, in case they form a circle. */
function* causes(error: unknown): Generator<unknown> {
  const seen = new Set<unknown>([error]);
  for (let cause = causeOf(error); cause !== undefined && !seen.has(cause); cause = causeOf(cause)) {
    seen.add(cause);
    yield cause;
  }
}

/** For a host with several addresses Node throws an AggregateError that has no message. */
function causeOf(error: unknown): unknown {
  if (error instanceof AggregateError) return error.errors[0];
  return error instanceof Error ? (error.cause ?? undefined) : undefined;
}

function messageOf(error: Error & { code?: unknown }): string {
  return error.message || (typeof error.code === 'string' ? error.code : error.name);
}

function stacks(error: unknown): string {
  return [error, ...causes(error)]
    .map((one) => (one instanceof Error ? (one.stack ?? one.message) : String(one)))
    .join('\ncaused by: ');
}
