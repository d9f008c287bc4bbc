import { StorageError, UsageError } from '../../errors.ts';
import type { Change } from '../../feeds/changes.ts';
import { tableName } from '../../feeds/names.ts';
import { hasDocumentTables } from '../../ledger/documents.ts';
import { ledger } from '../../ledger/ledger.ts';
import { openChanges } from '../../ledger/schema-changes.ts';
import type { Project } from '../../models/assemble.ts';
import { openProject } from '../../models/build/build.ts';
import { schemaOnly } from '../../run/run.ts';
import { documentHistory, feedHistory } from '../../schema/apply/history-tables.ts';
import { rowsRewritten } from '../../schema/apply/table-plan.ts';
import { affectedModels } from '../../schema/compare/affected-models.ts';
import { byUrgency, type ShownDifference, summarizeNeverSeen } from '../../schema/decide/arrange.ts';
import { changeOf } from '../../schema/decide/decide.ts';
import { differences } from '../../schema/differences.ts';
import { changesBetween } from '../../schema/documents/changes-between.ts';
import { readersThatFail } from '../../schema/failing-readers.ts';
import { isNewlyApplied, type SchemaOptions, type SchemaResult } from '../../schema/follow.ts';
import { keptRuleNotes } from '../../schema/kept-rules.ts';
import { count, dayText, secondText } from '../../text.ts';
import { type ResultTable, tableOf } from '../../warehouse/values.ts';
import { openReadOnly } from '../../workspace/read-only.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { openFor } from '../open.ts';
import { reportAttention } from '../summary.ts';

type SchemaCommandOptions<More = unknown> = CommonOptions & More;

/**
 * `schema diff`: shows where the published schema, the tables and the data differ, or what changed in the documents
 * between two days.
 */
export async function diff(
  context: CommandContext<SchemaCommandOptions<{ feed?: string[]; from?: Date; to?: Date; all?: boolean }>>,
): Promise<number> {
  const { feed, from, to } = context.options;
  if ((from === undefined) !== (to === undefined)) {
    throw new UsageError('--from and --to go together', {
      hint: 'schema diff --from 2026-01-01 --to 2026-02-01',
    });
  }
  await using workspace = await openToRead(context);
  const { session } = workspace;
  const groups = groupsOf(workspace);
  if (from !== undefined && to !== undefined) {
    const changes = await changesBetween(session, groups, dayText(from), dayText(to));
    const own = changes.filter(
      (change) => feed === undefined || feed.some((name) => isNamed(change.group, change, name)),
    );
    const rows = own.map((change) => ({
      ...change,
      feed: `${change.group}.${tableName(change.feed, change.version)}`,
    }));
    await context.print(tableOf(['feed', 'column', 'kind', 'before', 'after'], rows));
    return 0;
  }
  const kept = await keptRuleNotes(workspace, await openChanges(session));
  const found = byUrgency(await differences(session, groups, feed, kept));
  for (const name of feed ?? []) {
    const isFound = found.some((each) => [each.feed, `${each.group}.${each.feed}`].includes(name));
    if (!isFound) await requireKnownFeed(workspace, name);
  }
  // Only people get the short form; programs can filter for themselves.
  const isWhole = context.options.all || feed !== undefined || context.options.output !== 'table';
  const shown: ShownDifference[] = isWhole ? found : summarizeNeverSeen(found);
  const names = [
    'feed',
    'column',
    'finding',
    'published',
    'present',
    'observed',
    'rows',
    'since',
    'example',
  ] as const;
  const rows = shown.map((each) => ({
    ...each,
    feed: each.feed === '' ? each.group : `${each.group}.${each.feed}`,
    since: each.since && secondText(each.since),
  }));
  await context.print(tableOf(names, rows, { rows: 'BIGINT', since: 'TIMESTAMP' }));
  if (shown.length < found.length)
    context.logger.info('asapp-warehouse schema diff --all shows each that was never seen');
  return 0;
}

/** `schema apply`: follows the newest documents; with `--dry-run`, shows the statements without running them. */
export async function apply(
  context: CommandContext<SchemaCommandOptions<{ file?: string; source?: string[] }>>,
): Promise<number> {
  return applyAndPrint(context, { file: context.options.file, source: context.options.source });
}

/** `schema accept`: a person decides about changes that wait. */
export async function accept(
  context: CommandContext<SchemaCommandOptions<{ reject?: boolean; allowEmpty?: boolean }>>,
  ...ids: string[]
): Promise<number> {
  const numbers = ids.map((id) => {
    if (/^\d{1,15}$/.test(id)) return Number(id);
    throw new UsageError(`${id} is not the number of a schema change`, {
      hint: 'asapp-warehouse schema diff shows those that wait',
    });
  });
  const { reject, allowEmpty = false } = context.options;
  return applyAndPrint(context, { ...(reject ? { reject: numbers } : { accept: numbers }), allowEmpty });
}

/** `schema history`: lists every version of the documents, or all changes of one feed. */
export async function history(
  context: CommandContext<SchemaCommandOptions<{ feed?: string }>>,
): Promise<number> {
  const { feed } = context.options;
  await using workspace = await openToRead(context);
  if (feed === undefined) await context.print(await documentHistory(workspace.session));
  else {
    await requireKnownFeed(workspace, feed);
    await context.print(await feedHistory(workspace.session, feed));
  }
  return 0;
}

async function applyAndPrint(
  context: CommandContext<SchemaCommandOptions>,
  options: SchemaOptions,
): Promise<number> {
  const { logger } = context;
  const { dryRun } = context.options;
  await using workspace = await openFor(context);
  const project = dryRun ? await openProject(workspace.config, workspace.catalogue) : undefined;
  const { schema, exitCode, attention } = await schemaOnly(workspace, {
    ...options,
    ...(dryRun === undefined ? {} : { dryRun }),
  });
  const failing = project ? await wouldFail(workspace, project, schema) : undefined;
  logger.progress.stop();
  await context.print(planTable(schema, project, failing));
  const wait =
    schema.held > 0 ? `; ${count(schema.held, 'change')} ${schema.held === 1 ? 'waits' : 'wait'}` : '';
  logger.info(`${doneText(schema, dryRun === true)}${wait}`);
  reportAttention(context, attention);
  return exitCode;
}

/** The models and tests that would fail once a change is applied, by change. */
async function wouldFail(
  workspace: Workspace,
  project: Project,
  { plans, undone }: SchemaResult,
): Promise<Map<number, string[]>> {
  const applied = plans.flatMap(({ group, changes }) =>
    changes.filter(isNewlyApplied).map(({ id, change }) => ({ id, group, change })),
  );
  const back = undone.map(({ row, group }) => {
    const change = changeOf(row);
    return { id: row.change_id, group, change: { ...change, before: change.after, after: change.before } };
  });
  const found = new Map<number, string[]>();
  for (const { id, group, change } of [...applied, ...back])
    found.set(id, await readersThatFail({ ...workspace, project }, group, change));
  return found;
}

/** `2 schema changes rejected, 1 schema change applied`: only what happened is listed. */
function doneText({ applied, rejected, seen, undone }: SchemaResult, dryRun: boolean): string {
  const counts = { undone: undone.length, rejected, 'marked as seen': seen, applied };
  const done = Object.entries(counts).filter(([, number]) => number > 0);
  if (done.length === 0) return `nothing ${dryRun ? 'would be' : 'was'} applied`;
  const be = dryRun ? 'would be ' : '';
  return done.map(([what, number]) => `${count(number, 'schema change')} ${be}${what}`).join(', ');
}

/** A row for each undone change and each change of the plans, with its statements. */
function planTable(
  { plans, undone }: SchemaResult,
  project: Project | undefined,
  failing: ReadonlyMap<number, readonly string[]> | undefined,
): ResultTable {
  const line = (
    group: string,
    change: Change,
    { id, decision, rows, statements }: { id: number; decision: string; rows: number; statements: string[] },
  ) => {
    const lineage = project && affectedModels(project, group, change);
    return {
      ...change,
      change: id,
      feed: `${group}.${tableName(change.feed, change.version)}`,
      decision,
      rows_rewritten: rows,
      models_rebuilt: lineage?.rebuilt.join(', ') || undefined,
      read_by: lineage?.readers.join(', ') || undefined,
      would_fail: failing?.get(id)?.join('\n') || undefined,
      statements: statements.join(';\n') || undefined,
    };
  };
  const back = undone.map(({ row, group, rows, statements }) =>
    line(group, changeOf(row), { id: row.change_id, decision: 'undone', rows, statements }),
  );
  const isUndone = new Set(undone.map(({ row }) => row.change_id));
  const rows = plans.flatMap(({ group, changes, steps, counts, statements }) => {
    const own = changes
      .filter(({ id }) => !isUndone.has(id))
      .map(({ id, change, decision }) => {
        const step = steps.find((each) => each.change === id);
        const rewritten = decision === 'applied' && step ? rowsRewritten(step, counts) : 0;
        const sql = statements.filter((each) => each.change === id).map((each) => each.sql);
        return line(group, change, { id, decision, rows: rewritten, statements: sql });
      });
    const rest = statements.filter(({ change }) => change === undefined).map(({ sql }) => sql);
    if (rest.length === 0) return own;
    const what = { feed: group, kind: 'comments and columns', decision: 'applied', rows_rewritten: 0 };
    return [...own, { ...what, statements: rest.join(';\n') }];
  });
  const names = [
    'change',
    'feed',
    'column',
    'kind',
    'before',
    'after',
    'decision',
    'rows_rewritten',
    'models_rebuilt',
    'read_by',
    'would_fail',
    'statements',
  ] as const;
  return tableOf(names, [...back, ...rows], { change: 'BIGINT', rows_rewritten: 'BIGINT' });
}

async function openToRead(context: CommandContext<SchemaCommandOptions>): Promise<Workspace> {
  const workspace = await openReadOnly(await context.readConfig(), { ...context, reporter: context.logger });
  if (await hasDocumentTables(workspace.session)) return workspace;
  await workspace[Symbol.asyncDispose]();
  throw new StorageError('no schema document was followed yet', {
    hint: 'asapp-warehouse schema apply follows the newest',
  });
}

function groupsOf({ config }: Workspace): string[] {
  return [...new Set(config.sources.map(({ group }) => group))];
}

function isNamed(group: string, { feed, version }: { feed: string; version: string }, name: string): boolean {
  return [tableName(feed, version), `${group}.${tableName(feed, version)}`].includes(name);
}

/** @throws UsageError for an unknown feed, for which an empty result would look like good news */
async function requireKnownFeed({ session }: Workspace, name: string): Promise<void> {
  const feeds = await ledger(session)
    .selectFrom('ops.feeds')
    .select(['feed_group', 'feed', 'version'])
    .execute();
  if (feeds.some((feed) => isNamed(feed.feed_group, feed, name))) return;
  throw new UsageError(`there is no feed named ${name}`, {
    hint: 'a feed is named as its table is: convos_metrics, messaging.convos_metrics, convos_metrics__v2',
  });
}
