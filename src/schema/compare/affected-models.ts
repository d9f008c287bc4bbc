import { type Change, KEY_CHANGES, ORDER_CHANGES } from '../../feeds/changes.ts';
import { ownFile, type Project } from '../../models/assemble.ts';
import { descendants } from '../../models/graph.ts';
import type { Model } from '../../models/model.ts';
import { renderModel } from '../../models/relations.ts';

/** The models that a change affects. */
export interface AffectedModels {
  /** Models that must be rebuilt from all of their rows. */
  rebuilt: string[];
  /** Models that read the column or, when the change is of a whole feed, the feed. */
  readers: string[];
}

/** Kinds of changes that change a table's columns or rows. */
const REBUILDS = /^(column_added|type_\w+|unique_condition_\w+|ordering_changed|version_added|feed_added)$/;

/** Changes of the rule by which a feed's records are told apart, and of the version that is read. */
const OF_RULE: readonly string[] = [...KEY_CHANGES, ...ORDER_CHANGES, 'version_added'];

/** Whether a change is one that a model of the user's own takes no notice of. */
export function isOfRule({ kind }: { kind: string }): boolean {
  return OF_RULE.includes(kind);
}

/**
 * The user's own file of a feed's model, where a change is of what such a file says for itself: it keeps its own rule,
 * whatever is decided. Pure.
 */
export function keptFile(
  project: Project,
  group: string,
  change: { kind: string; feed: string },
): string | undefined {
  return isOfRule(change) ? ownFile(project, `${group}.${change.feed}`) : undefined;
}

/**
 * Finds the models that a change affects. Pure. A model counts as reading a column when its SQL has the column's name,
 * or selects all columns.
 */
export function affectedModels(project: Project, group: string, change: Change): AffectedModels {
  const id = `${group}.${change.feed}`;
  const own = project.models.get(id);
  const sources = [...project.models.values()].filter((model) =>
    model.sources.some((source) => source.group === group && source.feed === change.feed),
  );
  const below = new Set(sources.flatMap((model) => [model.id, ...descendants(project.graph, model.id)]));
  below.delete(id);
  const readers = [...below].sort().filter((reader) => {
    const model = project.models.get(reader);
    return model !== undefined && (change.column === undefined || readsColumn(model, change.column));
  });
  const isRebuilt = own && REBUILDS.test(change.kind) && keptFile(project, group, change) === undefined;
  return { rebuilt: isRebuilt ? [id] : [], readers };
}

function readsColumn(model: Model, column: string): boolean {
  const sql = renderModel(model).replace(/--.*$|\/\*[\s\S]*?\*\//gm, '');
  const name = column.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return (
    /(?:\bselect\s+(?:distinct\s+)?|,\s*|\.)\*|^\s*from\b/i.test(sql) ||
    new RegExp(`(?<![\\w"])"?${name}"?(?![\\w"])`, 'i').test(sql)
  );
}
