import type { Connector } from '../connectors/connector.ts';
import { SourceError } from '../errors.ts';
import { fatal } from '../warehouse/scope.ts';

/**
 * Whether a source is down, or only one thing in it is odd, is not to be told from the error: so it is asked for the
 * names in its root, which it gave before.
 * @throws the error when it does not answer
 */
export async function mustAnswer(
  connector: Connector,
  error: SourceError,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    for await (const _ of connector.entries('')) break;
  } catch {
    signal?.throwIfAborted();
    throw error;
  }
}

/** @throws what ends the run, or the error where the source answers nothing any more */
export async function mustBeOfFeed(
  connector: Connector,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<void> {
  const end = fatal(error, signal);
  if (end !== undefined) throw end;
  if (error instanceof SourceError) await mustAnswer(connector, error, signal);
}
