import type { TestResult } from '../../ledger/tables.ts';
import { count } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { sqlProblem } from '../../warehouse/sql-problem.ts';
import { type TestSettings, verdict } from '../data-tests.ts';
import type { DedupQuery } from '../dialect/dialect.ts';
import { dialectOf } from '../dialect/engine.ts';
import { planDedup } from '../materialize.ts';
import type { Model } from '../model.ts';
import { ProjectError } from '../problems.ts';
import { ALL_ROWS, modelTable, renderModel } from '../relations.ts';
import { explainTest } from './check.ts';
import { type DedupFacts, dedupFacts, nullColumns, unaccounted } from './dedup-facts.ts';
import { failingRows } from './failing-rows.ts';
import type { Shapes } from './shapes.ts';
import type { DedupRuleTest, PlannedTest } from './test-plan.ts';
import { runUnitTest } from './unit.ts';

/** Where tests with `store_failures` keep the rows that fail: one table a test, by its name. */
export const FAILURES_SCHEMA = 'test_failures';

/** How a test ended. */
export interface TestOutcome extends Omit<TestResult, 'run_id'> {
  /** What fails, for a person: some of the rows, or how the rows of a unit test differ. */
  lines: readonly string[];
}

type Ending = Pick<TestOutcome, 'status' | 'failures' | 'message' | 'lines'>;

export interface TestBench {
  session: Session;
  shapes: Shapes;
  /** The same by the types that documents give: for unit tests. */
  unitShapes: Shapes;
  clock: () => Date;
  /** Tables and views that are there, as `schema.name`. */
  present: Pick<ReadonlySet<string>, 'has'>;
  /** Models that have not seen all that was staged. */
  behind: ReadonlySet<string>;
  /** By model, the newest file it had seen before it was built incrementally: only later rows need be accounted for. */
  since: ReadonlyMap<string, number>;
  /** How many failing rows to show. */
  examples: number;
}

interface Counted {
  query: DedupQuery;
  facts: DedupFacts;
}

/** Runs tests, one at a time. What is counted of a model is counted once for all of its tests. */
export class TestRunner {
  readonly #bench: TestBench;
  readonly #facts = new Map<string, Promise<Counted>>();

  constructor(bench: TestBench) {
    this.#bench = bench;
  }

  /** Never throws for what is wrong with the test: that is one of its outcomes. */
  async run(test: PlannedTest): Promise<TestOutcome> {
    const startedAt = this.#bench.clock();
    const ending = await this.#end(test);
    return {
      test: test.name,
      model: test.model ?? null,
      column_name: test.column ?? null,
      severity: test.severity,
      ...ending,
      started_at: startedAt,
      finished_at: this.#bench.clock(),
    };
  }

  async #end(test: PlannedTest): Promise<Ending> {
    const absent = this.#absent(test);
    if (absent) return skipped(`${absent} is not there yet`);
    try {
      return await this.#measure(test);
    } catch (error) {
      const { message } = sqlProblem(error);
      const at = test.place && `${test.place.file}${test.place.line ? `:${test.place.line}` : ''}: `;
      const better = error instanceof ProjectError ? message : await explainTest(test, this.#bench.shapes);
      return { status: 'error', failures: 0, message: better ?? `${at ?? ''}${message}`, lines: [] };
    }
  }

  #absent({ reads, sources }: PlannedTest): string | undefined {
    const { present } = this.#bench;
    const feeds = sources.map(({ group, feed }) => `staging_${group}.${feed}`);
    return [...reads, ...feeds].find((name) => !present.has(name));
  }

  async #measure(test: PlannedTest): Promise<Ending> {
    switch (test.kind) {
      case 'generic': {
        const { check, model, where } = test.test;
        return this.#query(test, test.test, failingRows(dialectOf(this.#bench.session), check, model, where));
      }
      case 'singular':
        return this.#query(test, test.test, test.test.render(ALL_ROWS).sql);
      case 'unreadable':
        throw new ProjectError(test.test.problems);
      case 'dedup':
        return this.#dedup(test.of, test.rule);
      case 'unit': {
        const { failures, lines } = await runUnitTest(this.#bench.unitShapes, test.of, test.test);
        const message = failures === 0 ? null : `${count(failures, 'row')} missing or not expected`;
        return { status: failures === 0 ? 'pass' : 'fail', failures, message, lines };
      }
    }
  }

  /** Counts the rows of a query that should have none. */
  async #query(test: PlannedTest, settings: TestSettings, query: string): Promise<Ending> {
    const { session } = this.#bench;
    const dialect = dialectOf(session);
    let from = `(${query}\n)`;
    if (settings.storeFailures) {
      const target = { schema: FAILURES_SCHEMA, table: test.name };
      await session.run(dialect.createSchema(FAILURES_SCHEMA));
      for (const statement of dialect.create('table', target, query)) await session.run(statement);
      from = dialect.qualified(target);
    }
    const { failures } = await session.row<{ failures: number }>(
      `SELECT count(*) AS failures FROM ${from} AS failing`,
    );
    const found = verdict(settings, failures);
    if (found === 'pass') return { status: found, failures, message: null, lines: [] };
    const kept = settings.storeFailures ? `, kept in ${FAILURES_SCHEMA}.${test.name}` : '';
    return {
      status: found,
      failures,
      message: `${whatFails(test, failures)}${kept}`,
      lines: await this.#examples(from),
    };
  }

  /** Some of the rows, each as JSON. */
  async #examples(from: string): Promise<string[]> {
    const { session, examples } = this.#bench;
    if (examples === 0) return [];
    const rows = await session.rows<{ row: string }>(
      `SELECT to_json(failing)::VARCHAR AS row FROM ${from} AS failing LIMIT ${examples}`,
    );
    return rows.map(({ row }) => (row.length > LONGEST_EXAMPLE ? `${row.slice(0, LONGEST_EXAMPLE)}…` : row));
  }

  async #dedup(model: Model, rule: DedupRuleTest): Promise<Ending> {
    if (rule === 'conservation' && this.#bench.behind.has(model.id))
      return skipped('rows came since it was built: asapp-warehouse build');
    const { facts, query } = await this.#factsOf(model);
    const failures = DEDUP_FAILURES[rule](facts);
    if (failures === 0) return { status: 'pass', failures, message: null, lines: [] };
    if (rule !== 'key_not_null') {
      const message = rule === 'key_unique' ? `${count(failures, 'key')} more than once` : accountOf(facts);
      return { status: 'fail', failures, message, lines: [] };
    }
    const columns = await nullColumns(this.#bench.session, modelTable(model.id), query);
    const message = `${count(failures, 'row')} with NULL in ${columns.join(', ')}`;
    return { status: 'warn', failures, message, lines: [] };
  }

  #factsOf(model: Model): Promise<Counted> {
    const known = this.#facts.get(model.id) ?? this.#count(model);
    this.#facts.set(model.id, known);
    return known;
  }

  async #count(model: Model): Promise<Counted> {
    const { session, since } = this.#bench;
    const { query, source } = await planDedup(session, model, renderModel(model));
    const from = source ? since.get(model.id) : undefined;
    return { query, facts: await dedupFacts(session, modelTable(model.id), query, from) };
  }
}

const LONGEST_EXAMPLE = 300;

const DEDUP_FAILURES: Record<DedupRuleTest, (facts: DedupFacts) => number> = {
  key_unique: ({ repeated }) => repeated,
  key_not_null: ({ nulls }) => nulls,
  conservation: unaccounted,
};

/** How many rows there are of each kind: `staged 10 = kept 4 + superseded 6`. */
export function accountOf(facts: DedupFacts): string {
  const { staged, kept, superseded, found } = facts;
  const numbers = [staged, Math.min(kept, found), superseded].map((number) => number.toLocaleString('en-US'));
  const sign = unaccounted(facts) === 0 ? '=' : '≠';
  const foreign = kept > found ? `, and ${count(kept - found, 'row')} kept that nobody staged` : '';
  return `staged ${numbers[0]} ${sign} kept ${numbers[1]} + superseded ${numbers[2]}${foreign}`;
}

function whatFails(test: PlannedTest, failures: number): string {
  if (test.kind !== 'generic') return count(failures, 'row');
  const { check } = test.test;
  switch (check.kind) {
    case 'unique':
      return `${count(failures, 'value')} more than once`;
    case 'not_null':
      return `${count(failures, 'row')} without a value`;
    case 'accepted_values':
      return `${count(failures, 'value')} that ${failures === 1 ? 'is' : 'are'} not accepted`;
    case 'relationships':
      return `${count(failures, 'row')} with a value that the other table does not have`;
    case 'expression':
      return `${count(failures, 'row')} for which it does not hold`;
  }
}

function skipped(message: string): Ending {
  return { status: 'skipped', failures: 0, message, lines: [] };
}

/** Whether a test keeps what was built from being published. */
export function blocks({ status, severity }: Pick<TestOutcome, 'status' | 'severity'>): boolean {
  return status === 'fail' || (status === 'error' && severity === 'error');
}
