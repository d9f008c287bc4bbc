import type { Catalogue, FeedSpec } from '../../src/feeds/catalogue.ts';
import { migrate } from '../../src/ledger/migrations.ts';
import type { Project } from '../../src/models/assemble.ts';
import { inOrder, problemText } from '../../src/models/problems.ts';
import { testProblems } from '../../src/models/tests/check.ts';
import { type TestOutcome, TestRunner } from '../../src/models/tests/run-test.ts';
import { Shapes } from '../../src/models/tests/shapes.ts';
import { planTests } from '../../src/models/tests/test-plan.ts';
import type { Session } from '../../src/warehouse/session.ts';
import { presentRelations } from '../../src/warehouse/tables.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';
import { type Files, projectOf } from '../models/support.ts';
import { feedSpec } from './staging.ts';

const NOW = new Date('2026-02-01T00:00:00Z');

/** What nobody documents. */
const NO_FEEDS: Catalogue = { groups: [], feed: () => undefined, feeds: () => [] };

/** A documented feed `messaging.calls`. */
export function documented(columns: Parameters<typeof feedSpec>[0]): Catalogue {
  const spec: FeedSpec = feedSpec(columns);
  return {
    groups: ['messaging'],
    feed: (group, feed, version) =>
      group === spec.group && feed === spec.feed && version === spec.version ? spec : undefined,
    feeds: () => [spec],
  };
}

/** A project of some files and a warehouse in memory, in which its tests are run. */
export class Bench implements AsyncDisposable {
  readonly project: Project;
  readonly session: Session;
  readonly shapes: Shapes;
  readonly #warehouse: Warehouse;

  private constructor(project: Project, warehouse: Warehouse, session: Session, catalogue: Catalogue) {
    this.project = project;
    this.session = session;
    this.shapes = new Shapes(project, catalogue, session);
    this.#warehouse = warehouse;
  }

  /** @param setup SQL that makes the tables that the tests are about */
  static async open(files: Files, setup = '', catalogue: Catalogue = NO_FEEDS): Promise<Bench> {
    const project = await projectOf(files);
    const warehouse = await Warehouse.open(':memory:');
    const session = await warehouse.session();
    await migrate(session, NOW);
    if (setup) await session.run(setup);
    return new Bench(project, warehouse, session, catalogue);
  }

  /** Runs the tests, or those of some names. */
  async run(
    names?: readonly string[],
    since: ReadonlyMap<string, number> = new Map(),
  ): Promise<TestOutcome[]> {
    const runner = new TestRunner({
      session: this.session,
      shapes: this.shapes,
      unitShapes: this.shapes,
      clock: () => NOW,
      present: await presentRelations(this.session),
      behind: new Set(),
      since,
      examples: 3,
    });
    const outcomes = [];
    for (const test of planTests(this.project))
      if (!names || names.includes(test.name)) outcomes.push(await runner.run(test));
    return outcomes;
  }

  /** What a check of all models before a build complains of, a line each. */
  async problems(chosen: readonly string[] = this.project.graph.order): Promise<string[]> {
    const found = await testProblems(this.project, this.shapes, new Set(chosen));
    return inOrder(found).map(problemText);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shapes[Symbol.asyncDispose]();
    await this.#warehouse[Symbol.asyncDispose]();
  }
}
