import type { Change } from '../../feeds/changes.ts';
import type { Project } from '../../models/assemble.ts';
import { descendants } from '../../models/graph.ts';
import type { Model } from '../../models/model.ts';
import { renderModel } from '../../models/relations.ts';

/** What a change means for the models. */
export interface Lineage {
  /** Models that are built from all of their rows because of it. */
  rebuilt: string[];
  /** Models that read the column, or for a change of a feed as a whole, the feed. */
  readers: string[];
}

/** Changes after which a table's columns or rows are others. */
const REBUILDS = /^(column_added|type_\w+|unique_condition_\w+|ordering_changed|version_added|feed_added)$/;

/** Which models a change concerns. Pure. A column counts as read where its name is in the SQL, or all columns are. */
export function lineageOf(project: Project, group: string, change: Change): Lineage {
  const id = `${group}.${change.feed}`;
  const own = project.models.get(id);
  const sources = [...project.models.values()].filter((model) =>
    model.sources.some((source) => source.group === group && source.feed === change.feed),
  );
  const below = new Set(sources.flatMap((model) => [model.id, ...descendants(project.graph, model.id)]));
  below.delete(id);
  const readers = [...below].sort().filter((reader) => {
    const model = project.models.get(reader);
    return model !== undefined && (change.column === undefined || reads(model, change.column));
  });
  return { rebuilt: own && REBUILDS.test(change.kind) ? [id] : [], readers };
}

function reads(model: Model, column: string): boolean {
  const sql = renderModel(model).replace(/--.*$|\/\*[\s\S]*?\*\//gm, '');
  const name = column.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return (
    /(?:\bselect\s+(?:distinct\s+)?|,\s*|\.)\*|^\s*from\b/i.test(sql) ||
    new RegExp(`(?<![\\w"])"?${name}"?(?![\\w"])`, 'i').test(sql)
  );
}
