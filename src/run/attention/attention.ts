import type { Attention } from '../../attention.ts';
import { type FailureKind, standingFailures } from '../../ledger/failures.ts';
import { countFailingFiles } from '../../ledger/files.ts';
import { ledgerIsCurrent } from '../../ledger/migrations.ts';
import { countOpenRejects } from '../../ledger/rejects.ts';
import { newestRun } from '../../ledger/runs.ts';
import type { Failure } from '../../ledger/tables.ts';
import { schemaAttention } from '../../schema/attention.ts';
import { count } from '../../text.ts';
import { countUnreconciled } from '../reconcile.ts';
import { comingPartitions, missingPartitions, unknownFeeds } from './arrivals.ts';
import type { AttentionContext } from './context.ts';
import { lateFeeds } from './late.ts';
import { misfitAttention } from './misfits.ts';
import { misplacedFiles } from './misplaced.ts';
import { proofAttention } from './proofs.ts';
import { staleTables } from './stale-tables.ts';
import { unmodelledFeeds } from './unmodelled.ts';

/** What the checks look at, with the standing failures of all kinds, which several of them tell of. */
type Facts = AttentionContext & { standing: readonly Failure[] };
type AttentionCheck = (facts: Facts) => Promise<Attention[]> | Attention[];

const KINDS: readonly FailureKind[] = ['source', 'feed', 'model', 'document', 'test'];

/** Each looks at one thing in the ledger; what failed comes first. */
const CHECKS: readonly AttentionCheck[] = [
  failedRun,
  failures('source'),
  failures('feed'),
  failures('model'),
  failures('document'),
  ({ session }) => schemaAttention(session),
  failures('test'),
  ({ session }) => staleTables(session),
  ({ session }) => unmodelledFeeds(session),
  failingFiles,
  rejectedRows,
  countsThatDiffer,
  ({ session }) => proofAttention(session),
  ({ session, config }) => misfitAttention(session, config.maxMisfits),
  lateFeeds,
  missingPartitions,
  comingPartitions,
  unknownFeeds,
  misplacedFiles,
];

/** All that a person should look at: until it is mended or acknowledged, whichever command asks. Empty: nobody need look. */
export async function attentionOf(context: AttentionContext): Promise<Attention[]> {
  if (!(await ledgerIsCurrent(context.session))) return [];
  const facts = { ...context, standing: await standingFailures(context.session, KINDS) };
  const items: Attention[] = [];
  for (const check of CHECKS) items.push(...(await check(facts)));
  return items;
}

/** A run that was killed or ended with an error; whatever the next one says takes its place. */
async function failedRun({ session, runId, standing }: Facts): Promise<Attention[]> {
  if (runId !== undefined) return [];
  const last = await newestRun(session);
  if (!last || last.status === 'done' || last.status === 'attention') return [];
  // What failed within it is told one by one.
  const told = standing.some(({ kind, run_id }) => kind !== 'test' && run_id === last.run_id);
  if (last.status === 'failed' && told) return [];
  const how = last.status === 'failed' ? `failed: ${last.message ?? 'it did not say why'}` : 'was killed';
  return [
    {
      kind: 'run_failed',
      severity: 'failed',
      message: `the last ${last.command}, run ${last.run_id}, ${how}`,
    },
  ];
}

function failures(kind: FailureKind): AttentionCheck {
  return ({ standing }) => standing.filter((failure) => failure.kind === kind).map(failureItem);
}

/** A failure as it is told, also one that is not written down. */
export function failureItem({
  kind,
  name,
  source,
  message,
  hint,
}: Pick<Failure, 'kind' | 'name' | 'message' | 'source' | 'hint'>): Attention {
  const about: Partial<Attention> = {
    document: { source: name },
    source: { source: name },
    model: { model: name },
    feed: { feed: name },
    test: {},
  }[kind];
  return {
    kind: `${kind}_failed`,
    severity: kind === 'document' || kind === 'test' ? 'attention' : 'failed',
    ...(source !== null && { source }),
    ...about,
    message:
      kind === 'document'
        ? `no schema document from ${name}: ${message}`
        : kind === 'test'
          ? `test ${name} ${message}`
          : // A file of models that belongs to none is named by its message.
            message.startsWith(name)
            ? message
            : `${kind} ${name}: ${message}`,
    ...(hint !== null && { hint }),
  };
}

async function failingFiles({ session }: AttentionContext): Promise<Attention[]> {
  const failing = await countFailingFiles(session);
  return failing.map(({ source, files }) => ({
    kind: 'file_failed',
    severity: 'attention',
    source,
    count: files,
    message: `${count(files, 'file')} of ${source} could not be staged and will be tried again`,
    hint: 'asapp-warehouse query "FROM ops.file_failures WHERE resolved_at IS NULL" shows them',
  }));
}

async function rejectedRows({ session, config }: AttentionContext): Promise<Attention[]> {
  const rejected = await countOpenRejects(session);
  if (rejected <= config.maxRejectedRows) return [];
  return [
    {
      kind: 'rejected_rows',
      severity: 'attention',
      count: rejected,
      message: `${count(rejected, 'rejected row')}, and max_rejected_rows is ${config.maxRejectedRows}`,
      hint: 'asapp-warehouse rejects list',
    },
  ];
}

async function countsThatDiffer({ session }: AttentionContext): Promise<Attention[]> {
  const days = await countUnreconciled(session);
  if (days === 0) return [];
  return [
    {
      kind: 'counts_differ',
      severity: 'attention',
      count: days,
      message: `${count(days, 'day')} of feeds whose row counts differ from the vendor's`,
      hint: 'asapp-warehouse query "FROM ops.reconciliation WHERE over AND NOT reconciles" shows them',
    },
  ];
}
