import { SourceError } from '../../errors.ts';
import type { FeedSpec } from '../../feeds/catalogue.ts';
import { columnName, fieldName, stagingTable } from '../../feeds/names.ts';
import { groupBy } from '../../group-by.ts';
import { countMisfits, misfitColumns, recordColumnMisfits } from '../../ledger/column-misfits.ts';
import { resolveFileFailures, undeclaredFields } from '../../ledger/files.ts';
import { finishNumbering, noteUnnumbered } from '../../ledger/numbering.ts';
import { recordPartitions } from '../../ledger/partitions.ts';
import type { File, Partition } from '../../ledger/tables.ts';
import type { Limits } from '../../limits.ts';
import { asFeedError } from '../../warehouse/scope.ts';
import type { Session } from '../../warehouse/session.ts';
import { fileList, qualified, type TableName } from '../../warehouse/sql.ts';
import { storageTrouble } from '../../warehouse/trouble.ts';
import type { LandedFile, LineCounts, StagedFile } from '../file.ts';
import { readLines } from '../lines.ts';
import { rowOnceStaged, type StagedFiles, supersededBy, type WantedPartition } from '../partition.ts';
import { areSmall, FEW_FILES } from '../small.ts';
import { ColumnTooNarrow, type FileLines, insertCareful } from './careful.ts';
import { isExact } from './exact-file.ts';
import { type Assumptions, canReadFast, insertFast, Refusal } from './fast.ts';
import type { Modes } from './fast-columns.ts';
import { fitRules } from './fit-rules.ts';
import { addInferredColumns } from './infer.ts';
import { isInferred, openStagingTables, type StagingTable } from './table.ts';
import { proposeWidening, widen } from './widening.ts';

/** Files of one feed that are staged together: all of them, or none. */
export interface Batch {
  source: string;
  spec: FeedSpec;
  files: LandedFile[];
  /** What they are part of: in the ledger it stands as it does once they are staged. */
  partitions: WantedPartition[];
  /** Files of these partitions that were staged before. */
  before: StagedFiles;
  /** Further partitions of the feed, to be written with it. Left out: none. */
  notes?: readonly Partition[];
  /**
   * Columns that identify a record to whoever reads the feed: a line whose value of one does not fit is rejected. Left out: the
   * feed's own key.
   */
  keyColumns?: readonly string[];
}

export interface StagerOptions {
  /** Where small files go while they are needed. */
  folder: string;
  clock: () => Date;
  runId: number;
  limits: Limits;
}

/** What is known of a feed in this run, so that the ledger need not be asked again for each of its batches. */
interface KnownFeed {
  table: StagingTable;
  assumptions: Assumptions;
  /** Fields without a column that the ledger knows of. */
  undeclared: ReadonlySet<string>;
}

/** A batch, and how its files are read as far as that is known. */
interface Reading {
  batch: Batch;
  feed: KnownFeed;
  /** Files that are read line by line. */
  careful: Set<LandedFile>;
  /** Files whose numbers need no care. */
  exact: Set<LandedFile>;
  /** Whether its files are small: see {@link modes}. */
  isSmall: boolean;

  /** How often it had to be read in another way. */
  refusals: number;
}

/** After so many files of a batch had to be read another way, the rest of it is, too. */
const MAX_REFUSALS = 16;

/** More fields without a column than this are not learned: a feed whose field names are data. */
const MAX_UNDECLARED = 200;

/**
 * Puts landed files into `staging_<group>`, each batch in one transaction with its ledger rows.
 *
 * Of many lines `_line` is filled by a second transaction, see `ledger/numbering.ts`.
 */
export class Stager {
  readonly #session: Session;
  readonly #folder: string;
  readonly #clock: () => Date;
  readonly #runId: number;
  readonly #limits: Limits;
  /** By table. */
  readonly #feeds = new Map<string, KnownFeed>();

  constructor(session: Session, options: StagerOptions) {
    this.#session = session;
    this.#folder = options.folder;
    this.#clock = options.clock;
    this.#runId = options.runId;
    this.#limits = options.limits;
  }

  async stage(batch: Batch): Promise<StagedFile[]> {
    let staged: StagedFile[] = [];
    await this.stageTogether([batch], (_, files) => {
      staged = files;
    });
    return staged;
  }

  /**
   * Stages several batches in as few transactions as can be. One that is to be read in another way begins the next of them:
   * those before it need not be read once more for that.
   * @param onStaged is told of each batch that is staged
   * @throws what is wrong with one of those that are not staged by then
   */
  async stageTogether(
    batches: readonly Batch[],
    onStaged: (batch: Batch, files: StagedFile[]) => void,
  ): Promise<void> {
    await this.#openFeeds(batches.map(({ spec }) => spec));
    let rest: Reading[] = [];
    for (const batch of batches) rest.push(await this.#reading(batch));
    while (rest.length > 0) {
      let done: StagedFile[][] = [];
      try {
        await this.#commit(rest, done);
      } catch (error) {
        const before = rest.slice(0, done.length);
        const refused = rest[done.length];
        if (!refused || !(error instanceof ColumnTooNarrow || error instanceof Refusal)) throw error;
        await this.#adapt(refused, error);
        done = [];
        if (before.length > 0) await this.#commit(before, done);
      }
      for (const [index, files] of done.entries()) onStaged((rest[index] as Reading).batch, files);
      rest = rest.slice(done.length);
    }
  }

  /** Makes sure that the tables of these feeds are there, and reads what the ledger knows of them: once in a run. */
  async #openFeeds(specs: readonly FeedSpec[]): Promise<void> {
    const session = this.#session;
    const fresh = new Map(specs.map((spec) => [feedId(spec), spec]));
    for (const id of this.#feeds.keys()) fresh.delete(id);
    if (fresh.size === 0) return;
    const tables = await openStagingTables(session, [...fresh.values()]).catch((error) => {
      throw storageTrouble(error) ?? asFeedError(error);
    });
    const undeclared = groupBy(await undeclaredFields(session), feedIdOfRow);
    const misfits = groupBy(await misfitColumns(session), feedIdOfRow);
    for (const table of tables) {
      const id = feedId(table.spec);
      const fields = (undeclared.get(id) ?? []).map(({ field }) => field);
      this.#feeds.set(id, {
        table,
        undeclared: new Set(fields),
        assumptions: {
          integers: 'double',
          times: 'plain',
          undeclared: learnable(table, this.#limits, fields),
          misfits: new Set((misfits.get(id) ?? []).map(({ column_name }) => column_name)),
        },
      });
    }
  }

  async #reading(batch: Batch): Promise<Reading> {
    const feed = this.#feeds.get(feedId(batch.spec)) as KnownFeed;
    const isSmall = areSmall(batch.files);
    const reading: Reading = { batch, feed, careful: new Set(), exact: new Set(), isSmall, refusals: 0 };
    // A field that had no value so far gets its column with its first one.
    if (isInferred(feed.table) && (feed.table.columns.length === 0 || feed.undeclared.size > 0))
      await this.#inferColumns(feed, batch.files);
    // A look at the numbers of few files costs less than a condition on each of the columns.
    if (isSmall && batch.files.length <= FEW_FILES)
      for (const file of batch.files)
        if (await isExact(file.text, this.#limits.line_bytes)) reading.exact.add(file);
    const { columns } = feed.table;
    const needsCare = ({ irregular, longest }: LandedFile) =>
      irregular ||
      longest > this.#limits.line_bytes ||
      columns.length > this.#limits.object_keys ||
      !canReadFast(columns);
    await this.#readWithCare(reading, batch.files.filter(needsCare));
    return reading;
  }

  /** @returns whether the table has more columns than before */
  async #inferColumns(feed: KnownFeed, files: readonly LandedFile[]): Promise<boolean> {
    const { table, assumptions } = feed;
    feed.table = await addInferredColumns(this.#session, table, files, this.#limits);
    if (feed.table.columns.length === table.columns.length) return false;
    const id = feedId(table.spec);
    const waiting = (await undeclaredFields(this.#session)).filter((row) => feedIdOfRow(row) === id);
    feed.undeclared = new Set(waiting.map(({ field }) => field));
    assumptions.undeclared = learnable(feed.table, this.#limits, assumptions.undeclared);
    return true;
  }

  /** What is read with care learns its columns first: else a field would be rescued that has a column from then on. */
  async #readWithCare({ feed, careful }: Reading, files: readonly LandedFile[]): Promise<void> {
    for (const file of files) careful.add(file);
    if (isInferred(feed.table) && careful.size > 0) await this.#inferColumns(feed, [...careful]);
  }

  /** Draws the conclusion from a refusal: other assumptions, wider or more columns, or a file to be read the careful way. */
  async #adapt(reading: Reading, refusal: Refusal | ColumnTooNarrow): Promise<void> {
    const { batch, feed, careful, exact } = reading;
    const { assumptions } = feed;
    if (refusal instanceof ColumnTooNarrow) {
      const files = { ...batch, limits: this.#limits };
      feed.table = await widen(this.#session, feed.table, files, refusal.columns, this.#clock());
      return;
    }
    reading.refusals += 1;
    const { reason, column, file } = refusal;
    if (reason === 'integers') {
      assumptions.integers = 'text';
      return;
    }
    if (reason === 'times') {
      assumptions.times = 'any';
      return;
    }
    if (column !== undefined && reading.refusals < MAX_REFUSALS) {
      assumptions.misfits = new Set([...assumptions.misfits, column]);
      return;
    }
    if (reason === 'undeclared' && isInferred(feed.table) && (await this.#inferColumns(feed, batch.files)))
      return;
    if (reason === 'undeclared' && file) {
      const known = assumptions.undeclared.length;
      assumptions.undeclared = learnable(feed.table, this.#limits, [
        ...assumptions.undeclared,
        ...(await this.#fieldsOf(file)),
      ]);
      if (assumptions.undeclared.length > known) return;
    }
    if (reason === 'respelled' && file) {
      // Where one file has numbers with a point in the way, the others have, too: more of them are looked at each time.
      const others = batch.files.filter((each) => !careful.has(each) && !exact.has(each) && each !== file);
      const odd: LandedFile[] = [];
      for (const each of [file, ...others.slice(0, careful.size + exact.size)]) {
        if (await isExact(each.text, this.#limits.line_bytes)) exact.add(each);
        else odd.push(each);
      }
      return this.#readWithCare(reading, odd);
    }
    // One odd file is read with care by itself; where there are more, all of them are after a few attempts.
    const others = batch.files.filter((each) => !careful.has(each) && each !== file);
    const more = file && reading.refusals < MAX_REFUSALS ? others.slice(0, careful.size) : batch.files;
    return this.#readWithCare(reading, [...more, ...(file ? [file] : [])]);
  }

  /** All field names in a file; none when it is too broken to tell. */
  async #fieldsOf(file: LandedFile): Promise<string[]> {
    const rows = await this.#session
      .rows<{ field: string }>(
        `SELECT DISTINCT unnest(json_keys(json)) AS field
         FROM read_ndjson_objects(${fileList([file.text])}, hive_partitioning = false, ignore_errors = true)`,
      )
      .catch(() => []);
    return rows.map(({ field }) => field);
  }

  /**
   * Stages batches in one transaction.
   * @param done gets the files of each as its rows are in, so that an error is one of the batch that comes next
   */
  async #commit(readings: readonly Reading[], done: StagedFile[][]): Promise<void> {
    const now = this.#clock();
    const batches = readings.map(({ batch }) => batch);
    const files = batches.flatMap((batch) => batch.files);
    const numbered = areSmall(files);
    if (!numbered) await this.#session.useAllThreads();
    const undeclared: string[][] = [];
    await this.#session.transaction(async () => {
      for (const reading of readings) {
        const result = await this.#insert(reading, { now, numbered });
        undeclared.push(result.undeclared);
        done.push(result.files);
      }
      await this.#record(readings, { done, undeclared, now });
      for (const file of files) await file.recheck();
    });
    for (const [index, { feed }] of readings.entries())
      feed.undeclared = new Set([...feed.undeclared, ...(undeclared[index] ?? [])]);
    if (!numbered) await finishNumbering(this.#session);
  }

  /** Inserts the rows of one batch. @returns its files, and fields that the ledger does not know of yet */
  async #insert(
    { batch, feed, careful, exact, isSmall }: Reading,
    { now, numbered }: { now: Date; numbered: boolean },
  ): Promise<{ files: StagedFile[]; undeclared: string[] }> {
    const session = this.#session;
    const { table, assumptions } = feed;
    const fast = batch.files.filter((file) => !careful.has(file) && file.lines > 0);
    const slow = batch.files.filter((file) => careful.has(file));
    const rules = fitRules(table, this.#limits, batch.keyColumns);
    await this.#supersede(batch, table);
    if (fast.length > 0) {
      await insertFast(
        session,
        table,
        fast,
        { ...assumptions, ...modes(assumptions, isSmall) },
        {
          rules,
          exact,
          loadedAt: now,
          folder: this.#folder,
          numbered,
        },
      );
      await this.#checkFast(table, fast, numbered);
      await this.#countMisfits(table, fast, assumptions);
    }
    const undeclared = new Set(assumptions.undeclared);
    // The other ways reject nothing.
    const staged = new Map<number, StagedFile>(
      batch.files.map((file) => [file.fileId, { ...file, staged: file.lines, rejected: 0 }]),
    );
    if (slow.length > 0) {
      const lines = slow.map((file) => linesOf(file, this.#limits));
      const result = await insertCareful(session, table, lines, rules, now);
      for (const file of slow) {
        const counts = result.files.get(file.fileId) as LineCounts;
        await checkConserved(file, counts);
        staged.set(file.fileId, { ...file, ...counts });
      }
      for (const field of result.undeclared) undeclared.add(field);
      await recordColumnMisfits(session, table.spec, result.misfits);
      await proposeWidening(session, table, batch.source, result.keyMisfits, now);
    }
    assumptions.undeclared = learnable(table, this.#limits, [...undeclared]);
    const fresh = [...undeclared].filter((field) => !feed.undeclared.has(field));
    return { files: [...staged.values()], undeclared: fresh.slice(0, MAX_UNDECLARED) };
  }

  /** What the ledger says of batches whose rows are in. */
  async #record(
    readings: readonly Reading[],
    { done, undeclared, now }: { done: readonly StagedFile[][]; undeclared: readonly string[][]; now: Date },
  ): Promise<void> {
    const session = this.#session;
    const fields = readings.flatMap(({ batch: { spec } }, index) =>
      (undeclared[index] ?? []).map((field) => ({
        feed_group: spec.group,
        feed: spec.feed,
        version: spec.version,
        field,
        first_seen_at: now,
      })),
    );
    const files = readings.flatMap(({ batch }, index) =>
      fileRows(batch, done[index] ?? [], this.#runId, now),
    );
    const partitions = readings.flatMap(({ batch }, index) => {
      const { source, spec, before, notes = [] } = batch;
      const come = new Map([...before, ...(done[index] ?? []).map((file) => [file.fileId, file] as const)]);
      const stand = batch.partitions.map((partition) => rowOnceStaged(source, spec, partition, come, now));
      return [...stand, ...notes];
    });
    await session.insert({ schema: 'ops', table: 'undeclared_fields' }, fields);
    await session.insert({ schema: 'ops', table: 'files' }, files);
    await recordPartitions(session, partitions);
    const [first] = files;
    const paths = files.map(({ path }) => path);
    if (first) await resolveFileFailures(session, first.source, paths, now);
  }

  async #supersede(batch: Batch, table: TableName): Promise<void> {
    const superseded = supersededBy(batch.partitions);
    if (superseded.length === 0) return;
    const ids = superseded.map(({ fileId }) => fileId).join(', ');
    await this.#session.run(`DELETE FROM ${qualified(table)} WHERE _file_id IN (${ids})`);
    await this.#session.run(
      `UPDATE ops.rejected_rows SET resolved_at = $1, resolution = 'superseded'
       WHERE file_id IN (${ids}) AND resolved_at IS NULL`,
      [this.#clock()],
    );
    for (const { fileId, by } of superseded) {
      await this.#session.run('UPDATE ops.files SET superseded_by = $1 WHERE file_id = $2', [by, fileId]);
    }
  }

  /** Every line became a row, and the rows of each file lie together in the order of its lines. */
  async #checkFast(table: TableName, files: readonly LandedFile[], numbered: boolean): Promise<void> {
    const first = Math.min(...files.map(({ fileId }) => fileId));
    const found = await this.#session.rows<{
      file_id: number;
      rows: number;
      span: number;
      in_order: boolean;
    }>(
      `SELECT _file_id AS file_id, count(*) AS rows, max(rowid) - min(rowid) + 1 AS span,
         ${numbered ? 'count(_line) = count(*) AND min(_line) = 1 AND min(rowid - _line) = max(rowid - _line)' : 'true'} AS in_order
       FROM ${qualified(table)} WHERE _file_id >= ${first} GROUP BY _file_id`,
    );
    const byFile = new Map(found.map((row) => [row.file_id, row]));
    for (const file of files) {
      const { rows, span, in_order } = byFile.get(file.fileId) ?? { rows: 0, span: 0, in_order: false };
      if (rows !== file.lines || span !== file.lines || !in_order) throw new Refusal('doubtful', file);
    }
    if (!numbered) await noteUnnumbered(this.#session, table, files);
  }

  /** Of columns that were read so that misfits could be rescued. */
  async #countMisfits(
    table: StagingTable,
    files: readonly LandedFile[],
    { misfits }: Assumptions,
  ): Promise<void> {
    const names = table.columns.map(({ name }) => name).filter((name) => misfits.has(name));
    if (names.length === 0) return;
    const first = Math.min(...files.map(({ fileId }) => fileId));
    const found = await countMisfits(this.#session, table, names, first);
    await recordColumnMisfits(this.#session, table.spec, found);
  }
}

function feedId({ group, feed, version }: Pick<FeedSpec, 'group' | 'feed' | 'version'>): string {
  return qualified(stagingTable(group, feed, version));
}

function feedIdOfRow(row: { feed_group: string; feed: string; version: string }): string {
  return feedId({ group: row.feed_group, ...row });
}

function linesOf({ fileId, partition, text }: LandedFile, limits: Limits): FileLines {
  return { fileId, time: partition.time, lines: readLines(text, limits.line_bytes) };
}

/** Those fields that the fast way can read beside the columns: each with a name that DuckDB tells from the others. */
function learnable({ columns }: StagingTable, limits: Limits, fields: readonly string[]): string[] {
  // With no more fields than these, no line can have more than it may.
  const most = Math.min(MAX_UNDECLARED, limits.object_keys - columns.length);
  const taken = new Set(columns.map(({ name }) => fieldName(name).toLowerCase()));
  const result: string[] = [];
  for (const field of fields) {
    const name = field.toLowerCase();
    if (taken.has(name) || !canReadFast([{ name: columnName(field) }]) || result.length >= most) continue;
    taken.add(name);
    result.push(field);
  }
  return result;
}

/**
 * Of small files, the mode that takes any integer, since a refusal would cost more than it; and that with the shorter
 * statement, which takes most times. Of others, what reads a row in the least time.
 */
function modes({ integers, times }: Modes, areSmall: boolean): Modes {
  return areSmall ? { integers: 'text', times } : { integers, times: 'any' };
}

async function checkConserved(file: LandedFile, { lines, staged, rejected }: LineCounts): Promise<void> {
  if (lines === file.lines && lines === staged + rejected) return;
  await file.recheck();
  throw new SourceError(
    `${file.path}: ${file.lines} lines arrived, ${lines} were read, ${staged} staged and ${rejected} rejected`,
    { hint: 'nothing of this batch was staged; this is a fault of the loader, please report it' },
  );
}

function fileRows(batch: Batch, files: readonly StagedFile[], runId: number, now: Date): File[] {
  return files.map(({ fileId, path, bytes, etag, partition, sha256, lines, staged, rejected }) => ({
    file_id: fileId,
    source: batch.source,
    feed_group: batch.spec.group,
    feed: batch.spec.feed,
    version: batch.spec.version,
    partition_ts: partition.time,
    path,
    bytes,
    etag,
    sha256,
    lines,
    rows_staged: staged,
    rows_rejected: rejected,
    run_id: runId,
    loaded_at: now,
    superseded_by: null,
  }));
}
