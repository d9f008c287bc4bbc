import picocolors from 'picocolors';
import type { Attention } from '../attention.ts';
import type { LastRun } from '../ledger/last-run.ts';
import { secondText } from '../text.ts';
import type { ResultTable } from '../warehouse/values.ts';
import { bySeverity } from './attention-text.ts';
import { duration } from './duration.ts';
import { fittingColumns } from './fitting-columns.ts';
import { printable } from './printable.ts';
import { doneText } from './summary.ts';
import { tableLines } from './table-text.ts';

/** All that `status` shows. */
export interface WarehouseStatus {
  lastRun: LastRun | undefined;
  published: PublishedStatus | undefined;
  attention: readonly Attention[];
  /** One row for each feed. */
  feeds: ResultTable;
}

/** The copy that analysts open. */
export interface PublishedStatus {
  at: Date;
  /** Whether the loader's own warehouse is ahead of it; undefined where that cannot be told. */
  behind: boolean | undefined;
}

export interface StatusTextOptions {
  now: Date;
  /** Width of the terminal. */
  width: number;
  color: boolean;
  /** Without the last run and the feeds. */
  onlyAttention: boolean;
}

/** Columns that are only shown when a feed has such trouble, the worst first. */
const TROUBLES = ['failing', 'missing', 'rejected', 'held', 'unreconciled_days', 'waiting'];
const IMPORTANT = ['feed', 'state', 'newest_partition', ...TROUBLES, 'deduped', 'staged', 'partitions'];

/**
 * `status` for people: the last run, the attention items, and a line for each feed with as many columns as fit. Table
 * lines, messages and hints are never cut, so that commands can be copied.
 */
export async function* statusLines(
  status: WarehouseStatus,
  options: StatusTextOptions,
): AsyncGenerator<string> {
  const { now, width, color, onlyAttention } = options;
  const colors = picocolors.createColors(color);
  if (!onlyAttention) {
    for (const [label, text] of summary(status, now))
      yield `${colors.bold(label.padEnd(LABEL_WIDTH))}${printable(text)}`;
    yield '';
  }
  yield* attentionLines(status.attention, colors);
  if (onlyAttention) return;
  yield '';
  const table = await fittingColumns(forPeople(status.feeds), IMPORTANT, width);
  yield* tableLines(table, { width: undefined, color });
}

const LABEL_WIDTH = 11;

function* summary(
  { lastRun, published }: WarehouseStatus,
  now: Date,
): Generator<[label: string, text: string]> {
  if (!lastRun) yield ['last run', 'there was none yet'];
  else {
    yield ['last run', `${lastRun.run_id} (${lastRun.command}), ${timeOf(lastRun.started_at, now)}`];
    yield ['', howItEnded(lastRun)];
    yield ['', whatItDid(lastRun)];
  }
  const behind = published?.behind ? '; it does not show yet all that is loaded and built' : '';
  yield ['published', published ? `${timeOf(published.at, now)}${behind}` : 'nothing yet'];
}

function howItEnded({ status, exit_code, started_at, finished_at }: LastRun): string {
  const took = finished_at ? ` after ${duration((finished_at.getTime() - started_at.getTime()) / 1000)}` : '';
  const ended = {
    running: 'it has not ended',
    killed: 'it was killed',
    done: `done${took}`,
    attention: `done${took}, and a person should look`,
    failed: `failed${took}`,
  }[status];
  return exit_code === null ? ended : `${ended} (exit code ${exit_code})`;
}

function whatItDid({ command, files, bytes, ...run }: LastRun): string {
  const loads = command === 'run' || command === 'load';
  return doneText({
    ...(loads && { loaded: { files, bytes, rows: run.rows_staged, rejected: run.rows_rejected } }),
    models: run.models_built,
    tests: run.tests_run,
    published: false,
  });
}

function* attentionLines(
  items: readonly Attention[],
  colors: ReturnType<typeof picocolors.createColors>,
): Generator<string> {
  if (items.length === 0) {
    yield colors.green('nothing that a person should look at');
    return;
  }
  for (const { severity, message, hint } of bySeverity(items)) {
    const label = severity === 'failed' ? colors.red('failed:') : colors.yellow('look at:');
    yield `${label} ${printable(message)}`;
    if (hint !== undefined) yield `  → ${printable(hint)}`;
  }
}

/** Removes trouble columns that are empty for all feeds, and the seconds of partitions, which are always zero. */
function forPeople({ columns, rows }: ResultTable): ResultTable {
  const shown = columns.map(
    ({ name }, index) => !TROUBLES.includes(name) || rows.some((row) => Number(row[index]) !== 0),
  );
  const kept = <T>(cells: readonly T[]) => cells.filter((_, index) => shown[index]);
  const shortened = rows.map((row) =>
    row.map((cell, index) =>
      columns[index]?.name === 'newest_partition' && typeof cell === 'string' ? cell.slice(0, 16) : cell,
    ),
  );
  return { columns: kept(columns), rows: shortened.map(kept) };
}

function timeOf(time: Date, now: Date): string {
  const ago = (now.getTime() - time.getTime()) / 1000;
  const age = ago < 0 ? 'in the future' : `${duration(ago)} ago`;
  return `${secondText(time)}, ${age}`;
}
