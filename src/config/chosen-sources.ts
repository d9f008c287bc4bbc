import { UsageError } from '../errors.ts';
import { didYouMean } from '../text.ts';
import type { Source } from './config.ts';

/**
 * The sources that a person named, in the order of the configuration; all when none was named. Pure.
 * @throws UsageError for an unknown name
 */
export function chosenSources(
  sources: readonly Source[],
  names: readonly string[] | undefined,
): readonly Source[] {
  if (names === undefined) return sources;
  const known = sources.map(({ name }) => name);
  const stranger = names.find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw new UsageError(`there is no source named ${stranger}${didYouMean(stranger, known)}`, {
      hint: `the sources of warehouse.yaml are: ${known.join(', ')}`,
    });
  }
  return sources.filter(({ name }) => names.includes(name));
}
