import type { Config, Source } from '../config/config.ts';
import type { Check, StepContext } from './debug/check.ts';
import { machineChecks } from './debug/machine.ts';
import { sourceChecks } from './debug/source.ts';

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
