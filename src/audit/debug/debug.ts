import type { Config, Source } from '../../config/config.ts';
import type { DebugCheck, StepContext } from './check.ts';
import { machineChecks } from './machine.ts';
import { sourceChecks } from './source.ts';

/**
 * Checks everything that a run needs, step by step, and changes nothing.
 * @param sources the sources to check
 * @returns the result of each step, as soon as it is done
 */
export async function* debug(
  config: Config,
  sources: readonly Source[],
  context: StepContext,
): AsyncGenerator<DebugCheck> {
  for (const source of sources) yield* sourceChecks(source, context);
  yield* machineChecks(config, context);
}
