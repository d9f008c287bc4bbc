/**
 * The folders of the feeds that a person named, of those that a source of this group may have: a feed is named as its folder
 * is, or as `status` shows it, `messaging.utterances`. Pure.
 */
export function chosenFeeds(group: string, names: readonly string[]): string[] {
  return names.map((name) => (name.startsWith(`${group}.`) ? name.slice(group.length + 1) : name));
}
