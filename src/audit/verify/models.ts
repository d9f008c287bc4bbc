import type { DedupQuery } from '../../models/dialect/dialect.ts';
import { dialectOf } from '../../models/dialect/engine.ts';
import { type DedupPlan, materialize, planDedup } from '../../models/materialize.ts';
import type { Model } from '../../models/model.ts';
import { modelTable, relationName, renderModel } from '../../models/relations.ts';
import { type DedupFacts, dedupFacts, nullColumns, unaccounted } from '../../models/tests/dedup-facts.ts';
import { accountOf } from '../../models/tests/run-test.ts';
import { count } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { identifier, literal } from '../../warehouse/sql.ts';
import { whyCommand } from '../why/why.ts';
import type { Finding } from './finding.ts';

/**
 * A temporary table with the input rows of a model in another order: the columns that rank them, and hashes of their
 * contents.
 */
const SHUFFLED = identifier('verify_shuffled');
const ROW_HASH = '_verify_row';
const REST_HASH = '_verify_rest';

/**
 * Proves one dedup model from its staged rows and its table alone.
 * @param definition the definition that it was built from, according to the ledger
 */
export async function verifyModel(
  session: Session,
  model: Model,
  definition: string | undefined,
): Promise<Finding[]> {
  const sql = renderModel(model);
  const now = await materialize(session, model, sql);
  if (now.definition !== definition)
    return [
      skipped(
        model,
        `its definition has changed since it was built: asapp-warehouse build --full-refresh --select ${model.id}`,
      ),
    ];
  const plan = await planDedup(session, model, sql);
  const facts = await dedupFacts(session, modelTable(model.id), plan.query);
  const full = await rowsFingerprint(session, dialectOf(session).winners(plan.query), plan.query.columns);
  await shuffle(session, plan.query);
  try {
    return [
      conservation(model, facts),
      await incremental(session, model, plan, full),
      await determinism(session, model, plan.query, full),
      await ties(session, model, plan.query),
      await nullKeys(session, model, facts, plan.query),
      ...(await misfits(session, model, plan)),
    ];
  } finally {
    await session.run(`DROP TABLE IF EXISTS ${SHUFFLED}`);
  }
}

export function skipped(model: Model, detail: string): Finding {
  return { check: 'incremental', name: model.id, result: 'skipped', detail };
}

function conservation(model: Model, facts: DedupFacts): Finding {
  const result = unaccounted(facts) === 0 ? 'holds' : 'broken';
  return { check: 'conservation', name: model.id, result, detail: accountOf(facts) };
}

/** Checks that the table, built step by step, has the rows of a full build. */
async function incremental(session: Session, model: Model, plan: DedupPlan, full: string): Promise<Finding> {
  const check = 'incremental';
  const { columns, rule } = plan.query;
  const own = await rowsFingerprint(session, `FROM ${relationName(model.id)}`, columns);
  if (own === full)
    return { check, name: model.id, result: 'holds', detail: 'equals a full build, row for row' };
  const rebuilt = dialectOf(session).winners(plan.query);
  const hashed = (query: string) =>
    `SELECT ${rule.uniqueKey.map(identifier).join(', ')}, _file_id, _line, ${hashOf(columns)} AS row FROM (${query})`;
  const differences = await session.rows<{ rows: number; example: (string | null)[] }>(
    `WITH differing AS (
  (${hashed(rebuilt)} EXCEPT ALL ${hashed(`FROM ${relationName(model.id)}`)})
  UNION ALL (${hashed(`FROM ${relationName(model.id)}`)} EXCEPT ALL ${hashed(rebuilt)}))
SELECT count(*) AS rows, first(${textsOf(rule.uniqueKey)}) AS example FROM differing`,
  );
  const { rows = 0, example = [] } = differences[0] ?? {};
  const detail = `${count(rows, 'row')} not as in a full build: ${whyCommand(model.id, rule.uniqueKey, example ?? [])}`;
  return { check, name: model.id, result: 'broken', detail };
}

/** Puts the input rows into another order that has nothing to do with files and lines: that of their hashes. */
async function shuffle(session: Session, { from, columns, rule }: DedupQuery): Promise<void> {
  const ranked = [...new Set([...rule.uniqueKey, ...rule.orderBy, '_partition_ts', '_file_id', '_line'])];
  const rest = columns.filter((name) => !ranked.includes(name));
  await session.run(`CREATE OR REPLACE TEMP TABLE ${SHUFFLED} AS
SELECT ${ranked.map(identifier).join(', ')}, ${hashOf(columns)} AS ${ROW_HASH},
  ${rest.length > 0 ? hashOf(rest) : '0::UBIGINT'} AS ${REST_HASH}
FROM ${from} ORDER BY ${ROW_HASH}`);
}

/**
 * Checks that neither the order of the input rows nor the number of threads makes a difference. The rows are ranked by
 * the rule as written, without the short cuts of a build.
 */
async function determinism(
  session: Session,
  model: Model,
  query: DedupQuery,
  full: string,
): Promise<Finding> {
  const again = dialectOf(session).winners({
    from: SHUFFLED,
    isTable: false,
    columns: [ROW_HASH],
    rule: query.rule,
  });
  const { threads } = await session.row<{ threads: number }>(
    "SELECT current_setting('threads')::BIGINT AS threads",
  );
  const found: string[] = [];
  for (const other of [1, threads + 2]) {
    await session.run(`SET threads = ${other}; SET preserve_insertion_order = ${other === 1}`);
    try {
      found.push(await foldHashes(session, `SELECT ${ROW_HASH} AS row FROM (${again})`));
    } finally {
      await session.run(`SET threads = ${threads}; SET preserve_insertion_order = true`);
    }
  }
  const same = found.every((rows) => rows === full);
  return {
    check: 'determinism',
    name: model.id,
    result: same ? 'holds' : 'broken',
    detail: same
      ? 'the same rows from shuffled input, by one thread and by many'
      : 'other rows from shuffled input: its ordering leaves a choice',
  };
}

/** Finds records whose versions differ, but whose latest version is only decided by file and line. */
async function ties(session: Session, model: Model, { rule }: DedupQuery): Promise<Finding> {
  const same = [...new Set([...rule.uniqueKey, ...rule.orderBy, '_partition_ts'])].map(identifier);
  const { records, example } = await session.row<{ records: number; example: (string | null)[] | null }>(
    `WITH tied AS (
  SELECT ${same.join(', ')} FROM ${SHUFFLED} GROUP BY ALL HAVING min(${REST_HASH}) <> max(${REST_HASH}))
SELECT count(*) AS records, first(${textsOf(rule.uniqueKey, 't')}) AS example
FROM tied AS t WHERE EXISTS (FROM ${relationName(model.id)} AS m
  WHERE ${same.map((name) => `m.${name} IS NOT DISTINCT FROM t.${name}`).join(' AND ')})`,
  );
  if (records === 0) return { check: 'ties', name: model.id, result: 'holds', detail: 'none' };
  const detail = `${count(records, 'record')} of which one delivery has several versions that differ, told apart by file and line: ${whyCommand(model.id, rule.uniqueKey, example ?? [])}`;
  return { check: 'ties', name: model.id, result: 'remark', detail };
}

async function nullKeys(
  session: Session,
  model: Model,
  { nulls }: DedupFacts,
  query: DedupQuery,
): Promise<Finding> {
  if (nulls === 0) return { check: 'null keys', name: model.id, result: 'holds', detail: 'none' };
  const columns = await nullColumns(session, modelTable(model.id), query);
  const detail = `${count(nulls, 'row')} with NULL in ${columns.join(', ')}`;
  return { check: 'null keys', name: model.id, result: 'remark', detail };
}

/**
 * Checks that each value of the model's key and ordering is in its column: a value that does not fit is in `_rescued`,
 * and its row then has no key, or ranks last. Counted in the staged rows.
 */
async function misfits(
  session: Session,
  model: Model,
  { query, source, columns }: DedupPlan,
): Promise<Finding[]> {
  const check = 'misfits';
  const ranked = [
    ...new Set([...query.rule.uniqueKey, ...query.rule.orderBy].map((name) => name.toLowerCase())),
  ];
  const own = columns.filter(({ name }) => ranked.includes(name.toLowerCase()) && !name.startsWith('_'));
  if (source === undefined || own.length === 0) return [];
  const counts = own.map(
    ({ name }, index) =>
      `count(*) FILTER (${identifier(name)} IS NULL AND list_contains(json_keys(_rescued), ${literal(name)})) AS misfits_${index}`,
  );
  const found = await session.row<Record<string, number>>(
    `SELECT ${counts.join(', ')} FROM ${source} WHERE _rescued IS NOT NULL`,
  );
  const wrong = own.flatMap(({ name }, index) => {
    const rows = found[`misfits_${index}`] ?? 0;
    return rows > 0 ? [`${count(rows, 'value')} of ${name}`] : [];
  });
  if (wrong.length === 0) return [{ check, name: model.id, result: 'holds', detail: 'none' }];
  const detail = `${wrong.join(', ')} that did not fit: in _rescued, where nothing ranks by them`;
  return [{ check, name: model.id, result: 'broken', detail }];
}

/** A fingerprint of a set of rows, which differs for different sets: their number, and their hashes combined. */
function rowsFingerprint(session: Session, query: string, columns: readonly string[]): Promise<string> {
  return foldHashes(session, `SELECT ${hashOf(columns)} AS row FROM (${query})`);
}

async function foldHashes(session: Session, hashes: string): Promise<string> {
  const { rows } = await session.row<{ rows: string }>(
    `SELECT concat_ws(' ', count(*), bit_xor(row), sum(row::HUGEINT)) AS rows FROM (${hashes})`,
  );
  return rows;
}

function hashOf(columns: readonly string[]): string {
  return `hash(${columns.map(identifier).join(', ')})`;
}

function textsOf(columns: readonly string[], alias?: string): string {
  const texts = columns.map((name) => `${alias ? `${alias}.` : ''}${identifier(name)}::VARCHAR`);
  return `[${texts.join(', ')}]`;
}
