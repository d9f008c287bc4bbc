import type { Difference } from '../observe.ts';

/** Differences for a person to read. Pure. */

/** What waits for somebody first, then what the data says against the documents; what never came is the least of it. */
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

/** A difference, or a line that stands for several. */
export type ShownDifference = Omit<Difference, 'finding'> & { finding: string };

/** More names than these are not told in the line that stands for them. */
const NAMES = 3;

/** The same, where what never came is one line: columns for each feed, feeds for each group. */
export function withoutTheUnseen(differences: readonly Difference[]): ShownDifference[] {
  const shown: ShownDifference[] = [];
  const unseen = new Map<string, Difference[]>();
  for (const each of differences) {
    if (each.finding !== 'never seen') shown.push(each);
    else {
      const whose = each.column === undefined ? each.group : `${each.group}.${each.feed}`;
      unseen.set(whose, [...(unseen.get(whose) ?? []), each]);
    }
  }
  return [...shown, ...[...unseen.values()].flatMap(folded)];
}

function folded(all: readonly Difference[]): ShownDifference[] {
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
