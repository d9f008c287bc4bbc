import { columnName } from '../feeds/names.ts';
import type { ModelColumn } from '../ledger/tables.ts';
import type { Project } from './assemble.ts';
import type { Model } from './model.ts';
import { renderModel } from './relations.ts';

/**
 * The columns of feeds that models tell records apart by, and rank their versions by: a value that does not fit one of them
 * makes a published number wrong. Pure.
 *
 * A model names its own columns. They are looked for under the same name in each feed that it reads, itself or through other
 * models, and where its SQL calls something by that name (`issue_id as id`), under every name that is in the expression. That
 * may be too many, which does no harm: only columns with values that do not fit are told of.
 */
export function keyColumns(project: Project): ModelColumn[] {
  const found = new Map<string, ModelColumn>();
  for (const model of project.models.values()) {
    const { config } = model;
    const key = 'unique_key' in config ? (config.unique_key ?? []) : [];
    const order = 'order_by' in config ? (config.order_by ?? []) : [];
    for (const [used_as, names] of [
      ['key', key],
      ['order', order],
    ] as const) {
      for (const { group, feed, name } of namedIn(project, model, names)) {
        const row: ModelColumn = {
          model: model.id,
          feed_group: group,
          feed,
          column_name: name.toLowerCase(),
          used_as,
        };
        found.set(JSON.stringify(Object.values(row)), row);
      }
    }
  }
  return [...found.keys()].sort().map((id) => found.get(id) as ModelColumn);
}

/** The names by which columns may be called in the feeds that a model reads. */
function namedIn(
  project: Project,
  model: Model,
  names: readonly string[],
  seen: ReadonlySet<string> = new Set(),
): { group: string; feed: string; name: string }[] {
  if (names.length === 0 || seen.has(model.id)) return [];
  const sql = model.config.materialized === 'dedup' && model.generated ? '' : sqlOf(model);
  const named = names.flatMap((name) => [name, ...behind(sql, name)]);
  // A field may be named, whose column has another name.
  const all = [...new Set([...named, ...named.map(columnName)])];
  const through = new Set([...seen, model.id]);
  return [
    ...model.sources.flatMap(({ group, feed }) => all.map((name) => ({ group, feed, name }))),
    ...model.refs.flatMap((id) => {
      const other = project.models.get(id);
      return other ? namedIn(project, other, all, through) : [];
    }),
  ];
}

function sqlOf(model: Model): string {
  try {
    return renderModel(model).replace(/--.*$|\/\*[\s\S]*?\*\//gm, '');
  } catch {
    // What is wrong with it is said when it is built.
    return '';
  }
}

/** The names in the expression that a query gives a name to. */
function behind(sql: string, name: string): string[] {
  const alias = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const expressions = sql.matchAll(new RegExp(`([^,;]*)\\bas\\s+"?${alias}"?(?![\\w"])`, 'gi'));
  return [...expressions].flatMap(([, text = '']) =>
    [...text.matchAll(/"([^"]+)"|\b([a-z_]\w*)\b/gi)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
  );
}
