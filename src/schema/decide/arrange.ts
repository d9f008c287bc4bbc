import { groupBy } from '../../group-by.ts';
import type { Difference } from '../differences.ts';

/** Arranges differences for a person to read. Pure. */

/** The most urgent first: what waits for a person, then what the data contradict, and last what never came. */
export function byUrgency(differences: readonly Difference[]): Difference[] {
  return differences.toSorted((a, b) => urgency(a) - urgency(b));
}

function urgency({ finding, column }: Difference): number {
  if (finding.startsWith('held')) return 0;
  if (finding.startsWith('to be seen')) return 1;
  if (finding === 'type contradicted') return 2;
  if (finding === 'not documented') return 3;
  return column === undefined ? 5 : 4;
}

/** A difference, or one line that summarizes several. */
export type ShownDifference = Omit<Difference, 'finding'> & { finding: string };

/** How many names such a line shows. */
const NAMES = 3;

/**
 * The same differences, with those that were never seen in one line: the columns of each feed, and the feeds of each
 * group.
 */
export function summarizeNeverSeen(differences: readonly Difference[]): ShownDifference[] {
  const unseen = groupBy(
    differences.filter(({ finding }) => finding === 'never seen'),
    ({ group, feed, column }) => (column === undefined ? group : `${group}.${feed}`),
  );
  return [
    ...differences.filter(({ finding }) => finding !== 'never seen'),
    ...[...unseen.values()].flatMap(summary),
  ];
}

function summary(all: readonly Difference[]): ShownDifference[] {
  const [first] = all;
  if (!first || all.length === 1) return [...all];
  const names = all.map(({ feed, column }) => column ?? feed);
  const more = names.length > NAMES ? ', …' : '';
  const isColumn = first.column !== undefined;
  return [
    {
      ...first,
      feed: isColumn ? first.feed : '',
      column: undefined,
      published: undefined,
      present: undefined,
      finding: `${all.length} ${isColumn ? 'columns' : 'feeds'} never seen`,
      example: `${names.slice(0, NAMES).join(', ')}${more}`,
    },
  ];
}
