import { SourceError } from '../../errors.ts';
import type { FeedSpec } from '../../feeds/catalogue.ts';
import { columnName, fieldName } from '../../feeds/names.ts';
import { countMisfits, misfitColumns, recordColumnMisfits } from '../../ledger/column-misfits.ts';
import { resolveFileFailures, undeclaredFields } from '../../ledger/files.ts';
import { finishNumbering, noteUnnumbered } from '../../ledger/numbering.ts';
import { recordPartitions } from '../../ledger/partitions.ts';
import type { File } from '../../ledger/tables.ts';
import type { Limits } from '../../limits.ts';
import { asFeedError } from '../../warehouse/scope.ts';
import type { Session } from '../../warehouse/session.ts';
import { fileList, qualified, type TableName } from '../../warehouse/sql.ts';
import { storageTrouble } from '../../warehouse/trouble.ts';
import type { LandedFile, LineCounts, StagedFile } from '../file.ts';
import { readLines } from '../lines.ts';
import { rowOnceStaged, type StagedFiles, supersededBy, type WantedPartition } from '../partition.ts';
import { ColumnTooNarrow, type FileLines, insertCareful } from './careful.ts';
import { isExact } from './exact-file.ts';
import { type Assumptions, canReadFast, insertFast, Refusal } from './fast.ts';
import { fitRules } from './fit-rules.ts';
import { addInferredColumns } from './infer.ts';
import { isInferred, openStagingTable, type StagingTable } from './table.ts';
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

/** Files of a batch that are not read as all others are, as far as that is known. */
interface Ways {
  /** Read line by line. */
  careful: Set<LandedFile>;
  /** Their numbers need no care. */
  exact: Set<LandedFile>;
}

/** After so many files of a batch had to be read another way, the rest of it is, too. */
const MAX_REFUSALS = 16;

/** More fields without a column than this are not learned: a feed whose field names are data. */
const MAX_UNDECLARED = 200;

/**
 * Puts landed files into `staging_<group>`, each batch in one transaction with its ledger rows.
 *
 * `_line` is filled by a second transaction, see `staging/numbering.ts`.
 */
export class Stager {
  readonly #session: Session;
  readonly #folder: string;
  readonly #clock: () => Date;
  readonly #runId: number;
  readonly #limits: Limits;
  /** What the fast way has learned of each table in this run. */
  readonly #assumptions = new Map<string, Assumptions>();

  constructor(session: Session, options: StagerOptions) {
    this.#session = session;
    this.#folder = options.folder;
    this.#clock = options.clock;
    this.#runId = options.runId;
    this.#limits = options.limits;
  }

  async stage(batch: Batch): Promise<StagedFile[]> {
    let table = await this.#openTable(batch);
    const assumptions = await this.#assume(table);
    const needsCare = ({ irregular, longest }: LandedFile) =>
      irregular ||
      longest > this.#limits.line_bytes ||
      table.columns.length > this.#limits.object_keys ||
      !canReadFast(table.columns);
    const ways: Ways = { careful: new Set(batch.files.filter(needsCare)), exact: new Set() };
    const { careful } = ways;
    for (let refusals = 0; ; ) {
      // What is read with care learns its columns first: else a field would be rescued that has a column from then on.
      if (isInferred(table) && careful.size > 0)
        table = await addInferredColumns(this.#session, table, [...careful], this.#limits);
      try {
        const staged = await this.#commit(batch, table, ways, assumptions);
        await finishNumbering(this.#session);
        return staged;
      } catch (error) {
        if (error instanceof ColumnTooNarrow) {
          const files = { ...batch, limits: this.#limits };
          table = await widen(this.#session, table, files, error.columns, this.#clock());
        } else if (error instanceof Refusal) {
          refusals += 1;
          table = await this.#adapt(batch, table, ways, assumptions, error, refusals);
        } else {
          throw error;
        }
      }
    }
  }

  async #openTable(batch: Batch): Promise<StagingTable> {
    const table = await openStagingTable(this.#session, batch.spec).catch((error) => {
      throw storageTrouble(error) ?? asFeedError(error);
    });
    if (!isInferred(table)) return table;
    // A field that had no value so far gets its column with its first one.
    const { group, feed, version } = table.spec;
    const waiting = await undeclaredFields(this.#session, { feed_group: group, feed, version });
    const grows = table.columns.length === 0 || waiting.length > 0;
    return grows ? addInferredColumns(this.#session, table, batch.files, this.#limits) : table;
  }

  async #assume(table: StagingTable): Promise<Assumptions> {
    const key = qualified(table);
    let known = this.#assumptions.get(key);
    if (!known) {
      const { group, feed, version } = table.spec;
      const fields = await undeclaredFields(this.#session, { feed_group: group, feed, version });
      known = {
        integers: 'double',
        undeclared: learnable(table, this.#limits, fields),
        misfits: new Set(await misfitColumns(this.#session, table.spec)),
      };
      this.#assumptions.set(key, known);
    }
    known.undeclared = learnable(table, this.#limits, known.undeclared);
    return known;
  }

  /** Draws the conclusion from a refusal: other assumptions, more columns, or a file to be read the careful way. */
  async #adapt(
    batch: Batch,
    table: StagingTable,
    { careful, exact }: Ways,
    assumptions: Assumptions,
    refusal: Refusal,
    refusals: number,
  ): Promise<StagingTable> {
    if (refusal.reason === 'integer') {
      assumptions.integers = 'text';
      return table;
    }
    const { column } = refusal;
    if (column !== undefined && refusals < MAX_REFUSALS) {
      assumptions.misfits = new Set([...assumptions.misfits, column]);
      return table;
    }
    if (refusal.reason === 'undeclared' && isInferred(table)) {
      const wider = await addInferredColumns(this.#session, table, batch.files, this.#limits);
      if (wider.columns.length > table.columns.length) return wider;
    }
    if (refusal.reason === 'undeclared' && refusal.file) {
      const known = assumptions.undeclared.length;
      assumptions.undeclared = learnable(table, this.#limits, [
        ...assumptions.undeclared,
        ...(await this.#fieldsOf(refusal.file)),
      ]);
      if (assumptions.undeclared.length > known) return table;
    }
    if (refusal.reason === 'respelled' && refusal.file) {
      // Where one file has numbers with a point in the way, the others have, too: more of them are looked at each time.
      const others = batch.files.filter((file) => !careful.has(file) && !exact.has(file));
      const looked = others.filter((file) => file !== refusal.file).slice(0, careful.size + exact.size);
      for (const file of [refusal.file, ...looked])
        ((await isExact(file.text, this.#limits.line_bytes)) ? exact : careful).add(file);
      return table;
    }
    // One odd file is read with care by itself; where there are more, all of them are after a few attempts.
    const others = batch.files.filter((file) => !careful.has(file) && file !== refusal.file);
    const files = refusal.file && refusals < MAX_REFUSALS ? others.slice(0, careful.size) : batch.files;
    for (const file of [...files, ...(refusal.file ? [refusal.file] : [])]) careful.add(file);
    return table;
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

  async #commit(
    batch: Batch,
    table: StagingTable,
    { careful, exact }: Ways,
    assumptions: Assumptions,
  ): Promise<StagedFile[]> {
    const session = this.#session;
    const now = this.#clock();
    const fast = batch.files.filter((file) => !careful.has(file) && file.lines > 0);
    const slow = batch.files.filter((file) => careful.has(file));
    const rules = fitRules(table, this.#limits, batch.keyColumns);
    return session.transaction(async () => {
      await this.#supersede(batch, table);
      if (fast.length > 0) {
        await insertFast(session, table, fast, assumptions, {
          rules,
          exact,
          loadedAt: now,
          folder: this.#folder,
        });
        await this.#checkFast(table, fast);
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
      await this.#rememberUndeclared(table, [...undeclared], now);
      const files = [...staged.values()];
      await session.insert({ schema: 'ops', table: 'files' }, fileRows(batch, files, this.#runId, now));
      const come = new Map([...batch.before, ...staged]);
      await recordPartitions(
        session,
        batch.partitions.map((partition) =>
          rowOnceStaged(batch.source, batch.spec, partition, come, this.#clock()),
        ),
      );
      await resolveFileFailures(
        session,
        batch.source,
        batch.files.map(({ path }) => path),
        now,
      );
      for (const file of batch.files) await file.recheck();
      return files;
    });
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
  async #checkFast(table: TableName, files: readonly LandedFile[]): Promise<void> {
    const first = Math.min(...files.map(({ fileId }) => fileId));
    const found = await this.#session.rows<{ file_id: number; rows: number; span: number }>(
      `SELECT _file_id AS file_id, count(*) AS rows, max(rowid) - min(rowid) + 1 AS span
       FROM ${qualified(table)} WHERE _file_id >= ${first} GROUP BY _file_id`,
    );
    const byFile = new Map(found.map((row) => [row.file_id, row]));
    for (const file of files) {
      const { rows, span } = byFile.get(file.fileId) ?? { rows: 0, span: 0 };
      if (rows !== file.lines || span !== file.lines) throw new Refusal('doubtful', file);
    }
    await noteUnnumbered(this.#session, table, files);
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

  async #rememberUndeclared({ spec }: StagingTable, fields: readonly string[], now: Date): Promise<void> {
    const feed = { feed_group: spec.group, feed: spec.feed, version: spec.version };
    const known = new Set(await undeclaredFields(this.#session, feed));
    const fresh = fields.filter((field) => !known.has(field)).slice(0, MAX_UNDECLARED);
    await this.#session.insert(
      { schema: 'ops', table: 'undeclared_fields' },
      fresh.map((field) => ({ ...feed, field, first_seen_at: now })),
    );
  }
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
