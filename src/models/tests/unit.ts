import { ModelError } from '../../errors.ts';
import { STAGING_COLUMNS } from '../../feeds/names.ts';
import { didYouMean } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { identifier, literal, qualified, type TableName } from '../../warehouse/sql.ts';
import type { UnitTest } from '../link.ts';
import { materialize } from '../materialize.ts';
import type { Model } from '../model.ts';
import type { Relation } from '../relation-call.ts';
import { ALL_ROWS, dropUnless, modelTable, relationName, renderModel, sourceTable } from '../relations.ts';
import { differenceLines, type TextRow } from './difference.ts';
import { inferColumns, namesIn, rowsQuery, type WrittenRow } from './given-rows.ts';
import { columnsIn, makeTable, merged, type ShapeColumn, type Shapes } from './shapes.ts';

const RESULT = 'unit_test_result';
const EXPECTED = 'unit_test_expected';

export interface UnitOutcome {
  /** Rows that were expected and did not come, and rows that came and were not expected. */
  failures: number;
  /** The rows, for a person. */
  lines: string[];
}

/**
 * Runs a model over rows that were written by hand, and compares what comes out with the rows that should. Columns that no
 * expected row names are not compared, nor is any order. Nothing is read or written but the shapes' own warehouse in memory,
 * which is afterwards as it was.
 * @throws ModelError when rows are given for a column that is not there, or are not of its type
 */
export async function runUnitTest(shapes: Shapes, model: Model, test: UnitTest): Promise<UnitOutcome> {
  const inputs: Relation[] = [
    ...model.refs.map((id): Relation => ({ kind: 'model', id })),
    ...model.sources.map(({ group, feed }): Relation => ({ kind: 'source', group, feed })),
    ...(test.isIncremental ? [{ kind: 'this' } as const] : []),
  ];
  const known = new Map<Relation, readonly ShapeColumn[] | undefined>();
  for (const input of inputs)
    known.set(input, await shapes.of(input.kind === 'this' ? { kind: 'model', id: model.id } : input));
  const session = await shapes.session();
  await session.run('BEGIN');
  try {
    for (const [index, input] of inputs.entries())
      await give(session, input, index, model, test, known.get(input));
    await makeResult(session, model, test.isIncremental);
    return await compare(session, model, test.expect);
  } finally {
    await session.run('ROLLBACK');
  }
}

/** Makes the table that the model reads, and fills it with the rows given for it. */
async function give(
  session: Session,
  input: Relation,
  index: number,
  model: Model,
  test: UnitTest,
  known: readonly ShapeColumn[] | undefined,
): Promise<void> {
  const given = test.given.find((each) => sameRelation(each.input, input));
  const what = describe(input);
  const staged = input.kind === 'source';
  const rows = staged ? withOrigin(given?.rows ?? [], index) : (given?.rows ?? []);
  const inferred = merged(inferColumns(rows), staged ? STAGING_COLUMNS : []);
  if (!known && !given) {
    throw new ModelError(`no rows are given for ${what}, and its columns are not known`, {
      hint: `add it under given:, with rows or with [] for none`,
    });
  }
  const columns = known ?? inferred;
  requireNames(columns, rows, `the rows given for ${what}`);
  const table = tableOf(input, model);
  const { schema, table: name } = table;
  await session.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`);
  // The shape of a model may be a view, which no table replaces.
  if (known && !staged) await dropUnless(session, table, 'table');
  await makeTable(session, table, columns);
  if (rows.length > 0) {
    const spelled = columns.map((column) => ({ ...column, name: spelling(column.name, rows) }));
    await attempt(`the rows given for ${what}`, () =>
      session.run(`INSERT INTO ${qualified(table)} ${rowsQuery(spelled, rows)}`),
    );
  }
  if (staged) await noteFiles(session, table, input.group, name);
}

/**
 * Where staged rows came from, where they do not say: one file for each `_partition_ts`, and the lines in their order. So rows
 * that are written later win ties, as they would in a file.
 */
function withOrigin(rows: readonly WrittenRow[], index: number): WrittenRow[] {
  const partitions = [...new Set(rows.map((row) => String(row._partition_ts ?? FIRST_PARTITION)))];
  return rows.map((row, line) => {
    const partition = String(row._partition_ts ?? FIRST_PARTITION);
    // Files of one input, and those of the others, are told apart; whoever writes numbers writes small ones.
    const file = (index + 1) * 1_000_000 + partitions.indexOf(partition);
    return { ...row, _partition_ts: partition, _file_id: row._file_id ?? file, _line: row._line ?? line + 1 };
  });
}

const FIRST_PARTITION = '2000-01-01 00:00:00';

/** The ledger's rows of the files that staged rows name: what dedup ranks by. */
async function noteFiles(session: Session, table: TableName, group: string, feed: string): Promise<void> {
  await session.run(`INSERT INTO ops.files BY NAME
SELECT _file_id AS file_id, 'unit test' AS source, ${literal(group)} AS feed_group, ${literal(feed)} AS feed,
  '1' AS version, max(_partition_ts) AS partition_ts, lpad(_file_id::VARCHAR, 20, '0') AS path, 0 AS bytes,
  '' AS etag, '' AS sha256, count(*) AS lines, count(*) AS rows_staged, 0 AS rows_rejected, 0 AS run_id,
  TIMESTAMP '${FIRST_PARTITION}' AS loaded_at
FROM ${qualified(table)} WHERE _file_id NOT IN (SELECT file_id FROM ops.files) GROUP BY _file_id`);
}

/** Runs the model as a build does; of an incremental one, as in dbt, the rows that it would add. */
async function makeResult(session: Session, model: Model, isIncremental: boolean): Promise<void> {
  if (model.config.materialized === 'dedup') {
    await session.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(model.schema)}`);
    const { full } = await materialize(session, model, renderModel(model));
    for (const statement of full) await session.run(statement);
    await session.run(`CREATE TEMP TABLE ${RESULT} AS FROM ${relationName(model.id)}`);
    return;
  }
  const { sql } = model.render({ ...ALL_ROWS, isIncremental });
  await session.run(`CREATE TEMP TABLE ${RESULT} AS\n${sql}`);
}

async function compare(
  session: Session,
  model: Model,
  expected: readonly WrittenRow[],
): Promise<UnitOutcome> {
  const actual = await columnsIn(session, { schema: 'temp', table: RESULT });
  requireNames(actual, expected, `the rows that ${model.id} should give`);
  const named = new Set(namesIn(expected).map((name) => name.toLowerCase()));
  const columns = expected.length === 0 ? actual : actual.filter(({ name }) => named.has(name.toLowerCase()));
  const spelled = columns.map((column) => ({ ...column, name: spelling(column.name, expected) }));
  await attempt('the rows expected', () =>
    session.run(`CREATE TEMP TABLE ${EXPECTED} AS ${rowsQuery(spelled, expected)}`),
  );
  const values = columns.map((column) => `${comparable(column)} AS ${identifier(column.name)}`).join(', ');
  const rowsOf = (one: string, other: string) =>
    session.rows<TextRow>(
      `SELECT COLUMNS(*)::VARCHAR FROM (SELECT ${values} FROM ${one} EXCEPT ALL SELECT ${values} FROM ${other})`,
    );
  const missing = await rowsOf(EXPECTED, RESULT);
  const unexpected = await rowsOf(RESULT, EXPECTED);
  const failures = missing.length + unexpected.length;
  return { failures, lines: failures === 0 ? [] : differenceLines(missing, unexpected) };
}

/** A column's name as rows write it: names ignore case. */
function spelling(name: string, rows: readonly WrittenRow[]): string {
  return namesIn(rows).find((written) => written.toLowerCase() === name.toLowerCase()) ?? name;
}

/** Two spellings of one JSON value are equal. */
function comparable({ name, type }: ShapeColumn): string {
  const column = identifier(name);
  return type === 'JSON'
    ? `CASE WHEN json_valid(${column}) THEN json(${column})::VARCHAR ELSE ${column}::VARCHAR END`
    : column;
}

function requireNames(columns: readonly ShapeColumn[], rows: readonly WrittenRow[], what: string): void {
  const names = columns.map(({ name }) => name);
  const known = new Set(names.map((name) => name.toLowerCase()));
  const unknown = namesIn(rows).find((name) => !known.has(name.toLowerCase()));
  if (unknown === undefined) return;
  throw new ModelError(
    `${what} name ${JSON.stringify(unknown)}, which is no column${didYouMean(unknown, names)}`,
  );
}

async function attempt(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new ModelError(`${what}: ${(error as Error).message.split('\n')[0]}`, { cause: error });
  }
}

function sameRelation(a: Relation, b: Relation): boolean {
  return JSON.stringify(keyOf(a)) === JSON.stringify(keyOf(b));
}

function keyOf(relation: Relation): readonly string[] {
  if (relation.kind === 'model') return ['model', relation.id];
  return relation.kind === 'source' ? ['source', relation.group, relation.feed] : ['this'];
}

function describe(relation: Relation): string {
  if (relation.kind === 'model') return `ref('${relation.id.replace('.', "', '")}')`;
  return relation.kind === 'source' ? `source('${relation.group}', '${relation.feed}')` : 'this';
}

function tableOf(relation: Relation, model: Model): TableName {
  if (relation.kind === 'source') return sourceTable(relation.group, relation.feed);
  return modelTable(relation.kind === 'model' ? relation.id : model.id);
}
