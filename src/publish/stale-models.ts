import type { Failure } from '../ledger/tables.ts';
import type { Project } from '../models/assemble.ts';
import { descendants } from '../models/graph.ts';
import { planTests, testedModels } from '../models/tests/test-plan.ts';

/** Why a model's table is not what it should be. */
export interface StaleReason {
  /**
   * Whether its rows cannot be trusted, because a test of it or of a model that it is built from failed: analysts then
   * keep the rows they have. Otherwise it, or a model that it is built from, could not be built: its rows are right,
   * but old.
   */
  held: boolean;
  /** What failed: `test few failed`. */
  cause: string;
  /** The same, naming the model upstream where that is the one that failed. */
  why: string;
  /** What to type. */
  hint: string;
}

/**
 * The models whose tables are older than they should be, or must not be published as they are: those that failed, those
 * whose tests failed, and everything downstream of either. Nothing else is kept from analysts. A parent may be newer
 * than its child: each is right for its time, and the child is marked as stale. Pure.
 * @param failures standing failures of models and tests
 */
export function staleModels(
  project: Project,
  failures: readonly Pick<Failure, 'kind' | 'name' | 'blocks' | 'hint'>[],
): Map<string, StaleReason> {
  const found = new Map<string, StaleReason>();
  const note = (id: string, own: StaleReason) => {
    const below = { ...own, why: `it is built from ${id}: ${own.cause}` };
    for (const [model, standstill] of [
      [id, own] as const,
      ...withValue(descendants(project.graph, id), below),
    ]) {
      const before = found.get(model);
      if (!before || (standstill.held && !before.held)) found.set(model, standstill);
    }
  };
  const failing = new Map(
    failures.filter(({ kind, blocks }) => kind === 'test' && blocks).map((one) => [one.name, one]),
  );
  for (const test of planTests(project)) {
    if (!failing.has(test.name)) continue;
    const cause = `test ${test.name} failed`;
    const hint = `asapp-warehouse test --select ${test.name}`;
    for (const id of testedModels(test, project)) note(id, { held: true, cause, why: cause, hint });
  }
  for (const { kind, name } of failures) {
    if (kind !== 'model' || !(project.models.has(name) || project.broken.has(name))) continue;
    const cause = modelFailure(name);
    note(name, { held: false, cause, why: cause, hint: `asapp-warehouse build --select ${name}` });
  }
  return found;
}

/** The cause for a model that failed. */
export function modelFailure(id: string): string {
  return `${id} could not be built`;
}

function withValue<T>(ids: Iterable<string>, value: T): (readonly [string, T])[] {
  return [...ids].map((id) => [id, value] as const);
}
