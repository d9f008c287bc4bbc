import type { Attention } from '../attention.ts';

/** More items than these are counted at the end of a command: nobody reads two hundred lines of a log. */
const MAX_ITEMS = 10;

/** What failed before what should be looked at; otherwise in the order in which it was found. */
export function bySeverity(items: readonly Attention[]): Attention[] {
  const failed = ({ severity }: Attention) => severity === 'failed';
  return [...items.filter(failed), ...items.filter((item) => !failed(item))];
}

/**
 * The items that stand for all of them: some of each kind, so that two hundred failed models hide no source that failed.
 * Pure.
 * @returns `rest`: how many more there are, by kind
 */
export function standingFor(
  items: readonly Attention[],
  most = MAX_ITEMS,
): { shown: Attention[]; rest: Map<Attention['kind'], number> } {
  const sorted = bySeverity(items);
  const kinds = new Map<Attention['kind'], Attention[]>();
  for (const item of sorted) kinds.set(item.kind, [...(kinds.get(item.kind) ?? []), item]);
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
