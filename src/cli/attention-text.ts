import type { Attention } from '../attention.ts';
import { groupBy } from '../group-by.ts';

/** How many items are listed at the end of a command; the rest is counted, since nobody reads two hundred lines. */
const MAX_ITEMS = 10;

/** Failures first, otherwise in the order in which they were found. */
export function bySeverity(items: readonly Attention[]): Attention[] {
  const failed = ({ severity }: Attention) => severity === 'failed';
  return [...items.filter(failed), ...items.filter((item) => !failed(item))];
}

/**
 * Chooses the items to show: some of each kind, so that two hundred failed models do not hide one failed source. Pure.
 * @returns `rest`: how many more there are, by kind
 */
export function someOfEachKind(
  items: readonly Attention[],
  most = MAX_ITEMS,
): { shown: Attention[]; rest: Map<Attention['kind'], number> } {
  const sorted = bySeverity(items);
  const kinds = groupBy(sorted, ({ kind }) => kind);
  const taken = new Set<Attention>();
  for (let turn = 0; taken.size < Math.min(most, sorted.length); turn += 1) {
    for (const group of kinds.values()) {
      const item = group[turn];
      if (item && taken.size < most) taken.add(item);
    }
  }
  const rest = new Map<Attention['kind'], number>();
  for (const { kind } of sorted.filter((item) => !taken.has(item))) rest.set(kind, (rest.get(kind) ?? 0) + 1);
  return { shown: sorted.filter((item) => taken.has(item)), rest };
}

/** `8 more: 7 model_failed, 1 rejected_rows`; undefined where there are no more. */
export function restText(rest: ReadonlyMap<string, number>): string | undefined {
  if (rest.size === 0) return undefined;
  const parts = [...rest].map(([kind, number]) => `${number.toLocaleString('en-US')} ${kind}`);
  const all = [...rest.values()].reduce((sum, number) => sum + number, 0);
  return `${all.toLocaleString('en-US')} more: ${parts.join(', ')}`;
}
