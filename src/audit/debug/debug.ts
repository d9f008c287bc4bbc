import type { Config, Source } from '../../config/config.ts';
import type { Check, StepContext } from './check.ts';
import { machineChecks } from './machine.ts';
import { sourceChecks } from './source.ts';

/**
 * Tries everything that a run needs, step by step, and changes nothing.
 * @param sources those to try
 * @returns what came of each step, as they are done
 */
export async function* debug(
  config: Config,
  sources: readonly Source[],
  context: StepContext,
): AsyncGenerator<Check> {
  for (const source of sources) yield* sourceChecks(source, context);
  yield* machineChecks(config, context);
}
