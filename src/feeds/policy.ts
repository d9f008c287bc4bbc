import { type Action, type Change, type ChangeKind, KIND_RULES } from './changes.ts';
import { tableName } from './names.ts';

/**
 * What a person wants done with changes: `policy:` of `warehouse.yaml`.
 *
 *     policy:
 *       '*': { description_changed: ignore }
 *       messaging: { column_added: hold }
 *       messaging.rep_convos: { type_changed: apply }
 *       messaging.rep_convos.first_response_seconds: { type_changed: ignore }
 *
 * A key selects a source, a feed of a source (version 2 of a feed is `FEED__v2`) or a column of a feed; `*` matches
 * any. The most specific rule wins. Without a rule, the default of the change's kind applies (`changes.ts`).
 */
export type Policy = Readonly<Record<string, Partial<Record<ChangeKind, Action>>>>;

/** Where a change was found. */
export interface ChangePlace {
  /** The source whose document it is in. */
  source: string;
  change: Pick<Change, 'kind' | 'feed' | 'version' | 'column'>;
}

/** What to do with a change: a person's rule, or the default of its kind. Pure. */
export function actionOf(policy: Policy, place: ChangePlace): Action {
  return ruleFor(policy, place) ?? KIND_RULES[place.change.kind].action;
}

/** The rule of the policy for a change; undefined when it has none. Pure. */
export function ruleFor(policy: Policy, { source, change }: ChangePlace): Action | undefined {
  const place = [source, tableName(change.feed, change.version), ...(change.column ? [change.column] : [])];
  let action: Action | undefined;
  let weight = -1;
  for (const [selector, actions] of Object.entries(policy)) {
    const chosen = actions[change.kind];
    const parts = selector.split('.');
    const matches =
      parts.length <= place.length &&
      parts.every((part, index) => part === '*' || part.toLowerCase() === place[index]?.toLowerCase());
    // A longer selector is more specific; of two equally long ones, the one with fewer stars.
    const names = parts.length * 10 + parts.filter((part) => part !== '*').length;
    if (chosen === undefined || !matches || names <= weight) continue;
    action = chosen;
    weight = names;
  }
  return action;
}
