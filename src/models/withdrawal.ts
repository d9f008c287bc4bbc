import type { Project } from './assemble.ts';
import { descendants } from './graph.ts';

/** A place that feeds come from, as far as it matters here. */
export interface Delivering {
  group: string;
  /** The feeds to load; left out: all. */
  feeds?: readonly string[];
}

/**
 * Models that are not to be there though their files are: they read a feed that no source of its group loads any more,
 * since `feeds:` of each names others, or they are built from one that does. So analysts have the tables that a new
 * warehouse of this configuration would have. A group without any source is an archive: it stays. Pure.
 * @returns by id, why
 */
export function leftOutModels(
  { models, graph }: Pick<Project, 'models' | 'graph'>,
  sources: readonly Delivering[],
): Map<string, string> {
  const found = new Map<string, string>();
  for (const model of models.values()) {
    const left = model.sources.find(({ group, feed }) => isLeftOut(sources, group, feed));
    if (!left) continue;
    const why = `no source of ${left.group} loads ${left.feed}: its feeds: names others`;
    found.set(model.id, why);
    for (const id of descendants(graph, model.id))
      if (!found.has(id)) found.set(id, `it is built from ${model.id}, and ${why}`);
  }
  return found;
}

/** @param feed by its table: another version than the first is part of the name */
export function isLeftOut(sources: readonly Delivering[], group: string, feed: string): boolean {
  const own = sources.filter((source) => source.group === group);
  const names = [feed, feed.replace(/__v[^_]+$/, '')];
  return (
    own.length > 0 &&
    own.every(({ feeds }) => feeds !== undefined && !names.some((name) => feeds.includes(name)))
  );
}

/**
 * Models that were built and are to be there no more: their files are gone, they are disabled, or {@link leftOutModels}.
 * While a file lies where no model belongs, nobody knows whose table it was to be: then none goes for want of a file. Pure.
 * @param built ids
 * @returns by id, why
 */
export function withdrawnModels(
  project: Project,
  built: Iterable<string>,
  leftOut: ReadonlyMap<string, string>,
): Map<string, string> {
  const isUnsure = project.problems.some(
    ({ file, models = [] }) => models.length === 0 && file.endsWith('.sql'),
  );
  const found = new Map<string, string>();
  for (const id of built) {
    const why = leftOut.get(id) ?? (project.disabled.has(id) ? 'it is disabled' : undefined);
    if (why !== undefined) found.set(id, why);
    else if (!isUnsure && !project.models.has(id) && !project.broken.has(id))
      found.set(id, 'there is no such model any more');
  }
  return found;
}
