import type { Session } from '../warehouse/session.ts';
import { qualified, type TableName } from '../warehouse/sql.ts';
import { tableKind } from '../warehouse/tables.ts';
import type { RelationKind } from './dialect/dialect.ts';
import { dialectOf } from './dialect/engine.ts';
import type { Model, RenderContext, RenderedModel } from './model.ts';

/** Where models and the feeds that they read are in the warehouse. */

/** The table or view of a model. */
export function modelTable(id: string): TableName {
  const dot = id.indexOf('.');
  return { schema: id.slice(0, dot), table: id.slice(dot + 1) };
}

/** SQL that names the table or view of a model. */
export function relationName(id: string): string {
  return qualified(modelTable(id));
}

/** The staged rows of a feed, as `source()` names it: another version than the first is part of its name. */
export function sourceTable(group: string, feed: string): TableName {
  return { schema: `staging_${group}`, table: feed };
}

/** For a model that is built from all of its rows, and for a test. */
export const ALL_ROWS: RenderContext = {
  isIncremental: false,
  relation: relationName,
  source: (group, feed) => qualified(sourceTable(group, feed)),
};

const rendered = new WeakMap<Model, RenderedModel>();

/** A model as it is built from all of its rows; rendered once. @throws ProjectError with file and line */
export function renderAllRows(model: Model): RenderedModel {
  const known = rendered.get(model) ?? model.render(ALL_ROWS);
  rendered.set(model, known);
  return known;
}

/** The SQL of that. @throws ProjectError with file and line */
export function renderModel(model: Model): string {
  return renderAllRows(model).sql;
}

/** Drops what goes by a name, but for the kind that is to be there: neither can take the other's place. */
export async function dropUnless(session: Session, name: TableName, kept?: RelationKind): Promise<void> {
  const kind = await tableKind(session, name);
  if (kind !== undefined && kind !== kept) await session.run(dialectOf(session).drop(kind, name));
}
