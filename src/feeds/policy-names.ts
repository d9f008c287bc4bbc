import { nearest } from '../text.ts';
import type { Policy } from './policy.ts';

/** A feed as it is known from documents or from the data. */
export interface NamedFeed {
  group: string;
  /** As its table is called: `calls__v2`. */
  name: string;
  /** Those that are documented; empty where they are inferred. */
  columns: readonly string[];
}

export interface PolicyNames {
  /** Rules whose names are spelled almost like others: slips of the pen. */
  slips: { selector: string; message: string }[];
  /** Rules for feeds that nobody has heard of. They may be for feeds to come. */
  strangers: string[];
}

/**
 * Looks for rules of `policy:` that will never apply, since they name no feed and no column that there is. Pure.
 * @param sources each with the group that it delivers
 */
export function policyNames(
  policy: Policy,
  sources: readonly { name: string; group: string }[],
  feeds: readonly NamedFeed[],
): PolicyNames {
  const result: PolicyNames = { slips: [], strangers: [] };
  for (const selector of Object.keys(policy)) {
    const [source, feed = '*', column = '*'] = selector.split('.');
    if (feed === '*') continue;
    const groups = sources.filter(({ name }) => source === '*' || name === source).map(({ group }) => group);
    const known = feeds.filter(({ group }) => groups.includes(group));
    const named = known.filter(({ name }) => isSame(name, feed));
    if (named.length === 0) {
      const meant = nearest(feed, new Set(known.map(({ name }) => name)));
      if (meant === undefined) result.strangers.push(selector);
      else result.slips.push({ selector, message: `names no feed that there is; did you mean ${meant}?` });
      continue;
    }
    const columns = named.flatMap((each) => each.columns);
    if (column === '*' || columns.some((name) => isSame(name, column))) continue;
    const meant = nearest(column, columns);
    if (meant !== undefined)
      result.slips.push({ selector, message: `names no column of ${feed}; did you mean ${meant}?` });
  }
  return result;
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
