import type { Attention } from '../attention.ts';
import { chosenSources } from '../config/chosen-sources.ts';
import type { Source } from '../config/config.ts';
import { UsageError } from '../errors.ts';
import { currentCatalogue } from '../ledger/catalogue.ts';
import { hasDocumentTables } from '../ledger/documents.ts';
import { openChanges } from '../ledger/schema-changes.ts';
import type { SchemaChange } from '../ledger/tables.ts';
import type { Reporter } from '../reporter.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { GroupPlan } from './apply/group-plan.ts';
import { type GroupTask, hasNews, hasWork, writeTask } from './apply/group-task.ts';
import { changeRows } from './apply/group-write.ts';
import { TaskPreparation } from './apply/prepare.ts';
import { replayKeyRejects } from './apply/replay.ts';
import type { NumberedChange } from './apply/table-plan.ts';
import { planUndo, type Undo, writeUndo } from './apply/undo.ts';
import { changeItems } from './attention.ts';
import { describeChange, describeRow } from './decide/wording.ts';
import { readJudgement, requireStillAsked, undoesOnReject } from './judgement.ts';
import { type KeptRuleNote, keptRuleNotes } from './kept-rules.ts';
import { checkRowLosses } from './row-losses.ts';

export interface SchemaOptions {
  /** Only what these sources deliver. */
  source?: readonly string[];
  /** A schema document on this machine, to be followed instead of what the sources hold. */
  file?: string;
  /** Changes that a person accepts, by number. No new document is looked for then. */
  accept?: readonly number[];
  /** Changes that a person rejects; one that was applied is undone. */
  reject?: readonly number[];
  /** Allows a model to switch to a version without rows, which leaves its table empty. */
  allowEmpty?: boolean;
  /** Only finds out what there is to do. */
  dryRun?: boolean;
}

export interface SchemaResult {
  /** Changes that wait for a person. */
  held: number;
  /** Changes that were applied now. */
  applied: number;
  /** Held changes that a person rejected now. */
  rejected: number;
  /** Changes applied earlier that a person has seen now. */
  seen: number;
  /** Changes that a person should look at. */
  attention: Attention[];
  /** Whether anything about the schema is new. */
  changed: boolean;
  /** The plan of each group that was compared; in a dry run it is not carried out. */
  plans: GroupPlan[];
  /** Changes that were undone; in a dry run, that would be. */
  undone: Undo[];
  /** Sources that could not be read. The others count. */
  failed: { source: string; error: Error }[];
  /** All sources in which documents were looked for. */
  looked: string[];
}

/**
 * Follows the schema documents: looks for a new one in each source, compares it with what is followed, applies what the
 * policy allows and holds the rest, all in one transaction. Afterwards the workspace has the new catalogue.
 * @param runId the run it is a part of; undefined in a dry run
 * @throws UsageError for an option that names what does not exist, and where a table would be left without rows
 */
export async function applySchema(
  workspace: Workspace,
  runId: number | undefined,
  options: SchemaOptions = {},
): Promise<SchemaResult> {
  const { session, clock, reporter } = workspace;
  const failed: SchemaResult['failed'] = [];
  if (!(await hasDocumentTables(session))) {
    reporter.info('the schema is compared once a run has brought the warehouse up to date');
    const nothing = { held: 0, applied: 0, rejected: 0, seen: 0, attention: [], changed: false, plans: [] };
    return { ...nothing, undone: [], failed, looked: [] };
  }
  const sources = chosenSources(workspace.config.sources, options.source);
  requireOneGroup(sources, options.file);
  const judgement = await readJudgement(session, options.accept ?? [], options.reject ?? []);
  const undone: Undo[] = [];
  for (const row of judgement.rows) {
    // All are planned before the first is undone, so that one which cannot be undone stops all of them.
    if (judgement.reject.has(row.change_id) && undoesOnReject(row)) undone.push(await planUndo(session, row));
  }
  const allowEmpty = options.allowEmpty === true;
  await checkRowLosses(workspace, undone, allowEmpty);
  const keptWhenUndone = await keptRuleNotes(
    workspace,
    undone.map(({ row }) => row),
  );
  for (const { row, group } of undone) {
    // Planned again, since the one undone before it may be of the same feed.
    if (!options.dryRun) await writeUndo(session, await planUndo(session, row), clock());
    reporter.info(
      `schema change ${row.change_id} ${options.dryRun ? 'would be' : 'is'} undone: ${describeRow(row)}${keptWhenUndone(group, row)}`,
    );
  }

  const preparation = new TaskPreparation(workspace, {
    sources,
    file: options.file,
    judgement,
    runId,
    onFailure: ({ name }, error) => {
      failed.push({ source: name, error });
      reporter.warn(`no schema document from ${name}: ${error.message}`, { source: name });
    },
  });
  const judgedGroups = judgement.rows.flatMap(({ feed_group }) => feed_group ?? []);
  const groups = judgement.rows.length > 0 ? judgedGroups : sources.map(({ group }) => group);
  const tasks: GroupTask[] = [];
  for (const group of new Set(groups)) tasks.push(await preparation.task(group));
  const plans = tasks.flatMap(({ plan }) => plan ?? []);
  requireStillAsked(judgement, plans);
  await checkRowLosses(workspace, plans, allowEmpty);
  const kept = await keptRuleNotes(
    workspace,
    plans.flatMap(({ changes }) => changes.map(({ change }) => change)),
  );

  if (!options.dryRun && tasks.some(hasWork)) {
    const context = { runId: runId ?? null, now: clock(), signal: workspace.signal };
    await session.transaction(async () => {
      for (const task of tasks) await writeTask(session, task, context);
    });
    workspace.catalogue = await currentCatalogue(
      session,
      workspace.catalogue,
      workspace.corrections.overrides,
    );
  }
  if (!options.dryRun) await replayKeyRejects(workspace);
  reportDecisions(reporter, plans, kept, options.dryRun === true);
  const now = await openChanges(session);
  const open = options.dryRun ? openAfterwards(now, tasks) : now;
  return {
    held: open.filter(({ decision }) => decision === 'held').length,
    rejected: judgement.rows.filter((row) => row.decision === 'held' && judgement.reject.has(row.change_id))
      .length,
    seen: judgement.rows.filter(
      (row) => row.decision === 'applied' && !undone.some((each) => each.row === row),
    ).length,
    applied: plans.reduce((sum, { changes }) => sum + changes.filter(isNewlyApplied).length, 0),
    attention: changeItems(open),
    changed: undone.length > 0 || tasks.some(hasNews),
    plans,
    undone,
    failed,
    looked: judgement.rows.length > 0 || options.file !== undefined ? [] : sources.map(({ name }) => name),
  };
}

/** @throws UsageError where a document could be that of several groups */
function requireOneGroup(sources: readonly Source[], file: string | undefined): void {
  const groups = new Set(sources.map(({ group }) => group));
  if (file === undefined || groups.size === 1) return;
  throw new UsageError(`${file} could be the document of any of the groups ${[...groups].join(', ')}`, {
    hint: 'add --source with the name of a source that delivers its feeds',
  });
}

/** Whether a change was applied just now. */
export function isNewlyApplied({ decision, known }: NumberedChange): boolean {
  return decision === 'applied' && known?.decision !== 'applied';
}

function reportDecisions(
  reporter: Reporter,
  plans: readonly GroupPlan[],
  kept: KeptRuleNote,
  dryRun: boolean,
): void {
  for (const { group, changes } of plans) {
    for (const { change, decision, severity, known } of changes) {
      if (known?.decision === decision || (decision !== 'applied' && decision !== 'held')) continue;
      const text = `schema change ${dryRun ? 'would be ' : ''}${decision}: ${describeChange(group, change)}${kept(group, change)}`;
      if (severity === 'info') reporter.info(text);
      else reporter.warn(text);
    }
  }
}

/** The changes that would wait for a person after a dry run's tasks. */
function openAfterwards(open: readonly SchemaChange[], tasks: readonly GroupTask[]): SchemaChange[] {
  const context = { documentId: null, runId: null, now: new Date() };
  const changes = tasks.flatMap(({ plan }) => (plan ? changeRows(plan, context) : []));
  const settled = new Set([
    ...changes.map(({ change_id }) => change_id),
    ...tasks.flatMap(({ plan, overtaken, seen, judged }) =>
      [...(plan?.withdrawn ?? []), ...overtaken, ...seen, ...(judged ? [judged.row] : [])].map(
        ({ change_id }) => change_id,
      ),
    ),
  ]);
  return [
    ...open.filter(({ change_id }) => !settled.has(change_id)),
    ...changes.filter(({ severity, decided_at }) => severity === 'attention' && decided_at === null),
    ...tasks.flatMap(({ held }) => held ?? []),
  ];
}
