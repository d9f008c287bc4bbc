import { UsageError } from '../../errors.ts';
import type { Project } from '../../models/assemble.ts';
import type { Model } from '../../models/model.ts';
import { modelTable, relationName } from '../../models/relations.ts';
import { columnsIn } from '../../models/tests/shapes.ts';
import type { Session } from '../../warehouse/session.ts';
import { type ResultTable, tableOf } from '../../warehouse/values.ts';
import { type ColumnCondition, conditionSql } from './condition.ts';
import { whyCommand } from './why.ts';

/** Where the rows of a model that is not a dedup model come from. */
export interface Upstream {
  /** A row for each dedup model upstream: its key, and the command that shows the versions of a record. */
  table: ResultTable;
  /** How many of the model's rows meet the conditions. */
  rows: number;
}

/**
 * The dedup models upstream of a model, with the values of their keys where the model's own row has them.
 * @throws UsageError for an unknown column, or a model that is not built
 */
export async function upstreamOf(
  session: Session,
  project: Project,
  model: Model,
  conditions: readonly ColumnCondition[],
  present: boolean,
): Promise<Upstream> {
  if (!present) {
    throw new UsageError(`${model.id} is not there yet`, {
      hint: `asapp-warehouse build --select +${model.id}`,
    });
  }
  const columns = await columnsIn(session, modelTable(model.id));
  const condition = await conditionSql(session, model.id, columns, conditions);
  const matching = `FROM ${relationName(model.id)} WHERE ${condition}`;
  const { rows } = await session.row<{ rows: number }>(`SELECT count(*) AS rows ${matching}`);
  // With several matching rows no single value can be filled in.
  const [own = {}] =
    rows === 1
      ? await session.rows<Record<string, string | null>>(`SELECT COLUMNS(*)::VARCHAR ${matching}`)
      : [];
  const known = new Map<string, string | null>([
    ...Object.entries(own).map(([name, value]): [string, string | null] => [name.toLowerCase(), value]),
    ...conditions.map(({ column, value }): [string, string] => [column.toLowerCase(), value]),
  ]);
  const sources = dedupModels(project, model).flatMap(({ id, config }) => {
    if (config.materialized !== 'dedup') return [];
    const values = config.unique_key.map((name) => known.get(name.toLowerCase()));
    const ask = whyCommand(id, config.unique_key, values);
    return [{ model: id, unique_key: config.unique_key.join(', '), ask }];
  });
  return { rows, table: tableOf(['model', 'unique_key', 'ask'], sources) };
}

/** The nearest dedup models upstream, and those of the feeds that the model, or a model in between, reads directly. */
function dedupModels(project: Project, start: Model): Model[] {
  const all = [...project.models.values()];
  const found = new Set<Model>();
  const visit = (model: Model) => {
    const readers = all.filter(
      ({ config, sources }) =>
        config.materialized === 'dedup' &&
        sources.some((one) => model.sources.some((two) => one.group === two.group && one.feed === two.feed)),
    );
    for (const reader of readers) found.add(reader);
    for (const id of model.refs) {
      const parent = project.models.get(id);
      if (parent?.config.materialized === 'dedup') found.add(parent);
      else if (parent) visit(parent);
    }
  };
  visit(start);
  return [...found].sort((a, b) => (a.id < b.id ? -1 : 1));
}
