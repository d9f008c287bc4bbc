import { nearest } from '../config/nearest.ts';

/**
 * The end of a message about a name that nobody knows: ` (did you mean "…"?)`, or nothing when no name is close.
 * @param known names, or `schema.name` ids: a bare name is also compared with the last part of an id
 */
export function didYouMean(word: string, known: Iterable<string>): string {
  const names = [...known];
  const byLastPart = new Map(names.map((name) => [name.slice(name.lastIndexOf('.') + 1), name]));
  const found = nearest(word, names) ?? byLastPart.get(nearest(word, byLastPart.keys()) ?? '');
  return found === undefined ? '' : ` (did you mean ${JSON.stringify(found)}?)`;
}
