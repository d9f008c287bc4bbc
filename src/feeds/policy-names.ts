import { nearest } from '../text.ts';
import type { Policy } from './policy.ts';

/** A feed that documents describe, or that was seen in the data. */
export interface NamedFeed {
  group: string;
  /** As its table is called: `calls__v2`. */
  name: string;
  /** Its documented columns; empty where columns are inferred from the data. */
  columns: readonly string[];
}

export interface PolicyNameProblems {
  /** Rules whose names are almost those of known feeds or columns: probably typing errors. */
  misspelled: { selector: string; message: string }[];
  /** Rules for unknown feeds. They may be meant for feeds that come later. */
  unknown: string[];
}

/**
 * Finds rules of `policy:` that never apply because the feed or column they name does not exist. Pure.
 * @param sources each with the group that it delivers
 */
export function checkPolicyNames(
  policy: Policy,
  sources: readonly { name: string; group: string }[],
  feeds: readonly NamedFeed[],
): PolicyNameProblems {
  const result: PolicyNameProblems = { misspelled: [], unknown: [] };
  for (const selector of Object.keys(policy)) {
    const [source, feed = '*', column = '*'] = selector.split('.');
    if (feed === '*') continue;
    const groups = sources.filter(({ name }) => source === '*' || name === source).map(({ group }) => group);
    const known = feeds.filter(({ group }) => groups.includes(group));
    const named = known.filter(({ name }) => isSame(name, feed));
    if (named.length === 0) {
      const meant = nearest(feed, new Set(known.map(({ name }) => name)));
      if (meant === undefined) result.unknown.push(selector);
      else
        result.misspelled.push({ selector, message: `names no feed that there is; did you mean ${meant}?` });
      continue;
    }
    const columns = named.flatMap((each) => each.columns);
    if (column === '*' || columns.some((name) => isSame(name, column))) continue;
    const meant = nearest(column, columns);
    if (meant !== undefined)
      result.misspelled.push({ selector, message: `names no column of ${feed}; did you mean ${meant}?` });
  }
  return result;
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
