import type { FeedSpec } from '../feeds/catalogue.ts';
import { tableName } from '../feeds/names.ts';
import type { Project } from './assemble.ts';
import { readProjectFiles } from './files.ts';
import type { Model } from './model.ts';

/**
 * The dedup models that come with the program follow the schema: the unique condition, the ordering and the version that
 * were accepted take the place of those in the bundled file, which says what was published when the program was made.
 *
 * A model file of the user's own says what it says: it is theirs to change, and `schema apply --dry-run` names it.
 * @param feeds the versions of feeds that models read: `modelledFeeds`
 * @param own the user's own folder of models
 */
export async function followSchema(
  project: Project,
  feeds: readonly FeedSpec[],
  own: string | undefined,
): Promise<Project> {
  const theirs = await ownModels(own);
  const models = new Map(project.models);
  for (const spec of feeds) {
    const id = `${spec.group}.${spec.feed}`;
    const model = models.get(id);
    if (model && !theirs.has(id)) models.set(id, followSpec(model, spec));
  }
  return { ...project, models };
}

/** The models that a user's own folder makes: `SCHEMA/…/NAME.sql`. */
export async function ownModels(folder: string | undefined): Promise<Set<string>> {
  if (folder === undefined) return new Set();
  const files = await readProjectFiles([folder]);
  return new Set(
    files
      .filter(({ kind }) => kind === 'model')
      .map(({ path }) => `${path.slice(0, path.indexOf('/'))}.${path.slice(path.lastIndexOf('/') + 1, -4)}`),
  );
}

function followSpec(model: Model, { group, feed, version, key, orderBy }: FeedSpec): Model {
  const { config } = model;
  if (config.materialized !== 'dedup' || key.length === 0) return model;
  const table = tableName(feed, version);
  return {
    ...model,
    config: { ...config, unique_key: [...key], order_by: [...orderBy] },
    sources: model.sources.map((source) =>
      source.group === group && source.feed === feed ? { ...source, feed: table } : source,
    ),
    render: (context) =>
      model.render({
        ...context,
        source: (from, name) => context.source(from, from === group && name === feed ? table : name),
      }),
  };
}
