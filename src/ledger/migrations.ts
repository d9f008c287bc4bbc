import { createHash } from 'node:crypto';
import { StorageError } from '../errors.ts';
import type { Session } from '../warehouse/session.ts';
import { ifThere } from '../warehouse/tables.ts';
import { HAS_COME } from './partitions.ts';

/**
 * The migrations of the ledger, oldest first. A released migration is never edited: a later one changes what it made.
 * Each runs once, in one transaction with the row of `ops.migrations` that records it.
 */
const MIGRATIONS: readonly { id: number; sql: string }[] = [
  {
    id: 1,
    sql: `
CREATE TABLE ops.runs (
  run_id BIGINT NOT NULL, command VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP,
  status VARCHAR NOT NULL, exit_code INTEGER, rows_staged BIGINT NOT NULL, rows_rejected BIGINT NOT NULL, message VARCHAR);
COMMENT ON TABLE ops.runs IS 'One row a call of a command that changes the warehouse';

CREATE TABLE ops.feeds (
  feed_group VARCHAR NOT NULL, feed VARCHAR NOT NULL, version VARCHAR NOT NULL, description VARCHAR NOT NULL,
  unique_condition VARCHAR[] NOT NULL, order_by VARCHAR[] NOT NULL, cadence_minutes INTEGER,
  first_seen_at TIMESTAMP NOT NULL);
COMMENT ON TABLE ops.feeds IS 'Feeds that were seen, with what the schema documents say of them';

CREATE TABLE ops.partitions (
  source VARCHAR NOT NULL, feed_group VARCHAR NOT NULL, feed VARCHAR NOT NULL, version VARCHAR NOT NULL,
  partition_ts TIMESTAMP NOT NULL, path VARCHAR, state VARCHAR NOT NULL, files INTEGER NOT NULL,
  rows BIGINT NOT NULL, sealed_at TIMESTAMP, loaded_at TIMESTAMP);
COMMENT ON TABLE ops.partitions IS 'One row a partition of a source: how far it has come';
COMMENT ON COLUMN ops.partitions.state IS 'expected, unsealed, sealed, loaded, reopened, missing or empty';

CREATE TABLE ops.files (
  file_id BIGINT NOT NULL, source VARCHAR NOT NULL, feed_group VARCHAR NOT NULL, feed VARCHAR NOT NULL,
  version VARCHAR NOT NULL, partition_ts TIMESTAMP NOT NULL, path VARCHAR NOT NULL, bytes BIGINT NOT NULL,
  etag VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, lines BIGINT NOT NULL, rows_staged BIGINT NOT NULL,
  rows_rejected BIGINT NOT NULL, run_id BIGINT NOT NULL, loaded_at TIMESTAMP NOT NULL, superseded_by BIGINT);
COMMENT ON TABLE ops.files IS 'One row a file that was staged';
COMMENT ON COLUMN ops.files.path IS 'Relative to the root of the source, as the vendor lays it out';
COMMENT ON COLUMN ops.files.lines IS 'Lines that are not blank, counted apart from DuckDB';
COMMENT ON COLUMN ops.files.superseded_by IS 'The file that replaced it when its partition was exported again';

CREATE TABLE ops.file_failures (
  source VARCHAR NOT NULL, path VARCHAR NOT NULL, etag VARCHAR NOT NULL, bytes BIGINT NOT NULL,
  message VARCHAR NOT NULL, attempts INTEGER NOT NULL, first_failed_at TIMESTAMP NOT NULL,
  last_failed_at TIMESTAMP NOT NULL, resolved_at TIMESTAMP);
COMMENT ON TABLE ops.file_failures IS 'Files that could not be staged as a whole; each run tries again';

CREATE TABLE ops.misfits (
  source VARCHAR NOT NULL, path VARCHAR NOT NULL, reason VARCHAR NOT NULL, first_seen_at TIMESTAMP NOT NULL);
COMMENT ON TABLE ops.misfits IS 'Paths that do not follow the conventions of the vendor';

CREATE TABLE ops.rejected_rows (
  file_id BIGINT NOT NULL, line BIGINT NOT NULL, raw BLOB NOT NULL, reason VARCHAR NOT NULL, detail VARCHAR NOT NULL,
  rejected_at TIMESTAMP NOT NULL, resolved_at TIMESTAMP, resolution VARCHAR);
COMMENT ON TABLE ops.rejected_rows IS 'Lines that could not be staged, kept byte for byte';

CREATE TABLE ops.undeclared_fields (
  feed_group VARCHAR NOT NULL, feed VARCHAR NOT NULL, version VARCHAR NOT NULL, field VARCHAR NOT NULL,
  first_seen_at TIMESTAMP NOT NULL);
COMMENT ON TABLE ops.undeclared_fields IS 'Fields that came in the data and have no column: their values are in _rescued';

CREATE TABLE ops.unnumbered (
  schema_name VARCHAR NOT NULL, table_name VARCHAR NOT NULL, first_file_id BIGINT NOT NULL, last_file_id BIGINT NOT NULL);
COMMENT ON TABLE ops.unnumbered IS 'Staged files whose _line is still to be filled; empty between runs';

CREATE TABLE ops.schema_changes (
  change_id BIGINT NOT NULL, detected_at TIMESTAMP NOT NULL, source VARCHAR NOT NULL, feed VARCHAR NOT NULL,
  column_name VARCHAR, kind VARCHAR NOT NULL, severity VARCHAR NOT NULL, before VARCHAR, after VARCHAR,
  decision VARCHAR NOT NULL, applied_at TIMESTAMP);
COMMENT ON TABLE ops.schema_changes IS 'What changed in the shape of the feeds, and what was done about it';

CREATE TABLE ops.model_runs (
  run_id BIGINT NOT NULL, model VARCHAR NOT NULL, materialized VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL,
  finished_at TIMESTAMP NOT NULL, status VARCHAR NOT NULL, rows_in BIGINT, rows_kept BIGINT, rows_superseded BIGINT,
  message VARCHAR);
COMMENT ON TABLE ops.model_runs IS 'One row a model a build: what it read, kept and left out';

CREATE TABLE ops.models (
  model VARCHAR NOT NULL, definition VARCHAR NOT NULL, text VARCHAR NOT NULL, inputs VARCHAR NOT NULL, watermark BIGINT NOT NULL,
  run_id BIGINT NOT NULL, built_at TIMESTAMP NOT NULL);
COMMENT ON TABLE ops.models IS 'What each model was last built from: unchanged, it need not be built again';
COMMENT ON COLUMN ops.models.watermark IS 'The newest file whose rows the model has seen';

CREATE TABLE ops.counted_days (
  feed VARCHAR NOT NULL, source VARCHAR, export_date DATE NOT NULL, exported_rows BIGINT NOT NULL,
  received_rows BIGINT NOT NULL);
COMMENT ON TABLE ops.counted_days IS 'Rows counted again from stored data, for the days that the vendor sent counts of';

CREATE TABLE ops.test_results (
  run_id BIGINT NOT NULL, test VARCHAR NOT NULL, model VARCHAR, column_name VARCHAR, severity VARCHAR NOT NULL,
  status VARCHAR NOT NULL, failures BIGINT NOT NULL, message VARCHAR, started_at TIMESTAMP NOT NULL,
  finished_at TIMESTAMP NOT NULL);
COMMENT ON TABLE ops.test_results IS 'One row a data test a run';
`,
  },
  {
    id: 2,
    sql: `
ALTER TABLE ops.feeds ADD COLUMN state VARCHAR;
ALTER TABLE ops.feeds ADD COLUMN origin VARCHAR;
ALTER TABLE ops.feeds ADD COLUMN modelled BOOLEAN;
ALTER TABLE ops.feeds ADD COLUMN active_on DATE;
ALTER TABLE ops.feeds ADD COLUMN modified_on DATE;
ALTER TABLE ops.feeds ADD COLUMN deprecated_on DATE;
ALTER TABLE ops.feeds ADD COLUMN expected_end_on DATE;
ALTER TABLE ops.feeds ADD COLUMN actual_end_on DATE;
ALTER TABLE ops.feeds ADD COLUMN gone_on DATE;
ALTER TABLE ops.feeds ADD COLUMN replacement VARCHAR;
COMMENT ON TABLE ops.feeds IS 'Feeds that are documented or were seen, with what the schema documents say of them';
COMMENT ON COLUMN ops.feeds.state IS 'active, deprecated, ending, ended or gone (no document lists it any more); NULL for a feed that nobody documented';
COMMENT ON COLUMN ops.feeds.origin IS 'Where it was listed last: bundled (with the program) or vendor (in an export document)';
COMMENT ON COLUMN ops.feeds.modelled IS 'Whether the deduped table of the feed is made from this version';

CREATE TABLE ops.columns (
  feed_group VARCHAR NOT NULL, feed VARCHAR NOT NULL, version VARCHAR NOT NULL, column_name VARCHAR NOT NULL,
  position INTEGER NOT NULL, type VARCHAR NOT NULL, published_type VARCHAR NOT NULL, description VARCHAR NOT NULL,
  pii VARCHAR NOT NULL, personal_data BOOLEAN NOT NULL, created_on DATE, updated_on DATE, removed_on DATE);
COMMENT ON TABLE ops.columns IS 'The documented columns of each feed: what is published, without changes that are held';
COMMENT ON COLUMN ops.columns.type IS 'What it is staged as; published_type is how the document spells it';
COMMENT ON COLUMN ops.columns.pii IS 'What the document says of personal data; personal_data is what that comes to';
COMMENT ON COLUMN ops.columns.removed_on IS 'Since when the vendor does not send it: NULL in rows from then on';

CREATE TABLE ops.documents (
  document_id BIGINT NOT NULL, feed_group VARCHAR NOT NULL, origin VARCHAR NOT NULL, sha256 VARCHAR NOT NULL,
  bytes BIGINT NOT NULL, state VARCHAR NOT NULL, reason VARCHAR, feeds INTEGER NOT NULL, columns INTEGER NOT NULL,
  problems VARCHAR[] NOT NULL, first_seen_at TIMESTAMP NOT NULL, content BLOB NOT NULL);
COMMENT ON TABLE ops.documents IS 'Every version of the schema documents';
COMMENT ON COLUMN ops.documents.state IS 'accepted, held (nothing of it was acted upon) or rejected';
COMMENT ON COLUMN ops.documents.problems IS 'What could not be understood, with its line';
COMMENT ON COLUMN ops.documents.content IS 'Its text, compressed with gzip';

CREATE TABLE ops.document_files (
  document_id BIGINT NOT NULL, source VARCHAR NOT NULL, path VARCHAR NOT NULL, etag VARCHAR NOT NULL,
  document_ts TIMESTAMP, seen_at TIMESTAMP NOT NULL);
COMMENT ON TABLE ops.document_files IS 'Where and when each version of a schema document was found';
COMMENT ON COLUMN ops.document_files.document_ts IS 'The time in its path; NULL where there is none';

CREATE TABLE ops.followed_documents (
  feed_group VARCHAR NOT NULL, document_id BIGINT, fingerprint VARCHAR NOT NULL, followed_at TIMESTAMP NOT NULL);
COMMENT ON TABLE ops.followed_documents IS 'The document that each group follows; NULL while no document of the vendor has come';
COMMENT ON COLUMN ops.followed_documents.fingerprint IS 'Of all that decides what is followed: while it stays the same there is nothing to compare';

ALTER TABLE ops.schema_changes ADD COLUMN feed_group VARCHAR;
ALTER TABLE ops.schema_changes ADD COLUMN version VARCHAR;
ALTER TABLE ops.schema_changes ADD COLUMN document_id BIGINT;
ALTER TABLE ops.schema_changes ADD COLUMN run_id BIGINT;
ALTER TABLE ops.schema_changes ADD COLUMN decided_at TIMESTAMP;
ALTER TABLE ops.schema_changes ADD COLUMN rows_rewritten BIGINT;
ALTER TABLE ops.schema_changes ADD COLUMN undo VARCHAR;
COMMENT ON COLUMN ops.schema_changes.decision IS 'applied, held (waits for asapp-warehouse schema accept), rejected, ignored (by policy) or withdrawn (the document says otherwise again)';
COMMENT ON COLUMN ops.schema_changes.severity IS 'info, warning or attention (until decided_at is set, somebody should look)';
COMMENT ON COLUMN ops.schema_changes.undo IS 'What takes it back, for schema accept --reject';
`,
  },
  {
    id: 3,
    sql: `
ALTER TABLE ops.models ADD COLUMN rebuilt_in BIGINT;
COMMENT ON COLUMN ops.models.rebuilt_in IS 'The run that last built it from all of its rows; what came after was incremental';

CREATE TABLE ops.published (path VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL);
COMMENT ON TABLE ops.published IS 'The copy for analysts, as it was left: as long as it is that, the next one starts from it';
`,
  },
  {
    id: 10,
    sql: `
CREATE TABLE ops.failures (
  kind VARCHAR NOT NULL, name VARCHAR NOT NULL, source VARCHAR, message VARCHAR NOT NULL, hint VARCHAR,
  blocks BOOLEAN NOT NULL, run_id BIGINT NOT NULL, attempts INTEGER NOT NULL, first_failed_at TIMESTAMP NOT NULL,
  last_failed_at TIMESTAMP NOT NULL, resolved_at TIMESTAMP);
COMMENT ON TABLE ops.failures IS 'Sources, feeds, schema documents, models and tests that failed as a whole, each until it is tried again and does not';
COMMENT ON COLUMN ops.failures.blocks IS 'Of a test: it keeps what it tests from being published';
COMMENT ON COLUMN ops.failures.run_id IS 'The run that tried last';
`,
  },
  {
    id: 11,
    sql: `
CREATE TABLE ops.column_misfits (
  feed_group VARCHAR NOT NULL, feed VARCHAR NOT NULL, version VARCHAR NOT NULL, column_name VARCHAR NOT NULL,
  file_id BIGINT NOT NULL, misfits BIGINT NOT NULL);
COMMENT ON TABLE ops.column_misfits IS 'How many values of a file do not fit their column: it is NULL in those rows, and the value in _rescued';
COMMENT ON COLUMN ops.column_misfits.misfits IS 'Rows of the file; there is no row here for a file in which every value fits';
`,
  },
  {
    id: 12,
    sql: `
CREATE TABLE ops.sources (source VARCHAR NOT NULL, place INTEGER NOT NULL, configured BOOLEAN NOT NULL);
COMMENT ON TABLE ops.sources IS 'The order of the sources: of two files of one partition and name, that of the first is the later version';
COMMENT ON COLUMN ops.sources.place IS 'From 1: by precedence, then as warehouse.yaml lists them';
COMMENT ON COLUMN ops.sources.configured IS 'Whether warehouse.yaml has it: what a source brought that is no longer there ranks below the others';

CREATE TABLE ops.proofs (proof VARCHAR NOT NULL, rows BIGINT NOT NULL, last_seen_at TIMESTAMP NOT NULL);
COMMENT ON TABLE ops.proofs IS 'How many rows the views had that prove something: one that is empty now proves nothing';

ALTER TABLE ops.counted_days ADD COLUMN unreadable BIGINT DEFAULT 0;
COMMENT ON COLUMN ops.counted_days.unreadable IS 'Counts of that day that are no numbers: the day can be neither proved nor refuted';

ALTER TABLE ops.schema_changes ADD COLUMN found_in VARCHAR;
COMMENT ON COLUMN ops.schema_changes.found_in IS 'document, or data: values of a key that did not fit its type; NULL for what an older program found';

ALTER TABLE ops.columns ADD COLUMN format VARCHAR;
COMMENT ON COLUMN ops.columns.format IS 'How its times are written, where overrides.yaml says so: epoch_s or epoch_ms';

CREATE TABLE ops.model_columns (
  model VARCHAR NOT NULL, feed_group VARCHAR NOT NULL, feed VARCHAR NOT NULL, column_name VARCHAR NOT NULL,
  used_as VARCHAR NOT NULL);
COMMENT ON TABLE ops.model_columns IS 'The columns of feeds that models tell records apart by (key) and rank their versions by (order)';
COMMENT ON COLUMN ops.model_columns.feed IS 'Its table: another version than the first is part of the name';
`,
  },
  {
    id: 14,
    sql: `
ALTER TABLE ops.partitions ADD COLUMN acknowledged_at TIMESTAMP;
ALTER TABLE ops.partitions ADD COLUMN files_gone_at TIMESTAMP;
COMMENT ON COLUMN ops.partitions.acknowledged_at IS 'When a person said that it is known: that it is missing, or of a time to come';
COMMENT ON COLUMN ops.partitions.files_gone_at IS 'Since when files that were staged are no longer listed, though others of the partition are';

ALTER TABLE ops.misfits ADD COLUMN acknowledged_at TIMESTAMP;
COMMENT ON TABLE ops.misfits IS 'Paths that do not follow the conventions of the vendor, as the last listings showed them';
COMMENT ON COLUMN ops.misfits.acknowledged_at IS 'When a person said that it is known';

CREATE TABLE ops.listings (source VARCHAR NOT NULL, feed VARCHAR NOT NULL, version VARCHAR, listed_at TIMESTAMP NOT NULL);
COMMENT ON TABLE ops.listings IS 'When all that a source holds of a feed was listed last, not only its look-back';
COMMENT ON COLUMN ops.listings.version IS 'NULL for a feed that the configuration names and that was not there';
`,
  },
  {
    id: 15,
    sql: `
ALTER TABLE ops.file_failures ADD COLUMN fingerprint VARCHAR;
COMMENT ON COLUMN ops.file_failures.fingerprint IS 'Of the keys or the program that the file could not be read with though it came whole: while both stay the same, it is fetched again only after a while, which grows with the attempts; NULL: each run tries again';
`,
  },
  {
    id: 16,
    sql: `
ALTER TABLE ops.models ADD COLUMN rows BIGINT;
ALTER TABLE ops.models ADD COLUMN data_up_to TIMESTAMP;
ALTER TABLE ops.models ADD COLUMN sources VARCHAR[];
ALTER TABLE ops.models ADD COLUMN withdrawn_at TIMESTAMP;
COMMENT ON COLUMN ops.models.rows IS 'How many it had then; so are data_up_to and sources as they were';
COMMENT ON COLUMN ops.models.data_up_to IS 'The newest partition among the feeds that it is made from, by itself or through other models';
COMMENT ON COLUMN ops.models.sources IS 'Those feeds';
COMMENT ON COLUMN ops.models.withdrawn_at IS 'Since when it is not published any more, though its rows are kept: of an incremental model they could not be had again';

CREATE TABLE ops.published_tables (
  schema_name VARCHAR NOT NULL, table_name VARCHAR NOT NULL, kind VARCHAR, run_id BIGINT, rebuilt_in BIGINT,
  built_at TIMESTAMP, rows BIGINT, data_up_to TIMESTAMP, sources VARCHAR[], stale BOOLEAN NOT NULL, cause VARCHAR, why VARCHAR, hint VARCHAR);
COMMENT ON TABLE ops.published_tables IS 'What the copy for analysts has of each model';
COMMENT ON COLUMN ops.published_tables.run_id IS 'The run that built what the copy has; NULL where it has nothing of the model';
CREATE TABLE ops.unmodelled_feeds (feed_group VARCHAR NOT NULL, feed VARCHAR NOT NULL, since TIMESTAMP NOT NULL);
COMMENT ON TABLE ops.unmodelled_feeds IS 'Feeds whose rows are staged, and that no model makes a table of';
COMMENT ON COLUMN ops.published_tables.rebuilt_in IS 'The run that last built that from all of its rows';
`,
  },
  {
    id: 17,
    sql: `
ALTER TABLE ops.runs ADD COLUMN listing_seconds DOUBLE;
ALTER TABLE ops.runs ADD COLUMN fetching_seconds DOUBLE;
ALTER TABLE ops.runs ADD COLUMN staging_seconds DOUBLE;
ALTER TABLE ops.runs ADD COLUMN building_seconds DOUBLE;
ALTER TABLE ops.runs ADD COLUMN testing_seconds DOUBLE;
ALTER TABLE ops.runs ADD COLUMN publishing_seconds DOUBLE;
ALTER TABLE ops.published ADD COLUMN run_id BIGINT;
ALTER TABLE ops.published ADD COLUMN seconds DOUBLE;
COMMENT ON COLUMN ops.runs.fetching_seconds IS 'How long nothing but fetching was done: what is fetched while other files are staged counts as staging. Each moment counts for the latest stage at work';
COMMENT ON COLUMN ops.runs.publishing_seconds IS 'Noted by the run that comes next; NULL for one that did not publish';
`,
  },
];

/**
 * The views of the ledger, made again whenever this text changes. `freshness` is measured by partitions and not by
 * timestamps in rows: an export without rows is as fresh as any other.
 */
const VIEWS = `
CREATE OR REPLACE VIEW ops.freshness AS
WITH come AS (
  SELECT feed_group, feed, version, max(partition_ts) AS newest_partition_ts, max(loaded_at) AS last_loaded_at,
    list_sort(list(DISTINCT source)) AS sources, list_distinct(max(partition_ts, 50)) AS newest
  FROM ops.partitions
  -- What is of a time to come says nothing of today.
  WHERE ${HAS_COME} AND partition_ts <= make_timestamp(epoch_us(now()))
  GROUP BY ALL
), steps AS (
  SELECT feed_group, feed, version, partition_ts - lag(partition_ts) OVER (
    PARTITION BY feed_group, feed, version ORDER BY partition_ts) AS step
  FROM (SELECT feed_group, feed, version, unnest(newest) AS partition_ts FROM come)
), learned AS (
  SELECT feed_group, feed, version, count(*) AS steps, (epoch(quantile_disc(step, 0.9)) / 60)::INTEGER AS minutes
  FROM steps WHERE step IS NOT NULL GROUP BY ALL
), known AS (
  -- One or two steps say nothing where the documents do.
  SELECT come.*, greatest(f.cadence_minutes,
    CASE WHEN steps >= 3 OR f.cadence_minutes IS NULL THEN minutes END) AS cadence_minutes
  FROM come LEFT JOIN learned USING (feed_group, feed, version) LEFT JOIN ops.feeds f USING (feed_group, feed, version)
)
SELECT feed_group, feed, version, newest_partition_ts, last_loaded_at, cadence_minutes,
  newest_partition_ts + to_minutes(2 * cadence_minutes) AS next_expected_at, sources
FROM known;
COMMENT ON VIEW ops.freshness IS 'The newest complete partition of each feed, how far apart they come (as documented or as seen lately, whichever is longer), when the next one is due, and the sources they came from';

CREATE OR REPLACE VIEW ops.column_misfit_totals AS
WITH staged AS (
  SELECT feed_group, feed, version, sum(rows_staged)::BIGINT AS rows FROM ops.files WHERE superseded_by IS NULL GROUP BY ALL)
SELECT m.feed_group, m.feed, m.version, m.column_name, sum(m.misfits)::BIGINT AS misfits, count(*) AS files,
  any_value(s.rows) AS rows
FROM ops.column_misfits m JOIN ops.files f USING (file_id)
  JOIN staged s ON s.feed_group = m.feed_group AND s.feed = m.feed AND s.version = m.version
WHERE f.superseded_by IS NULL
GROUP BY ALL;
COMMENT ON VIEW ops.column_misfit_totals IS 'Values that do not fit their column, a row a feed and column, with how many rows of the feed are staged; files that were superseded do not count';

CREATE OR REPLACE VIEW ops.reconciliation AS
SELECT *, received_rows - exported_rows AS difference,
  received_rows = exported_rows AND unreadable = 0 AS reconciles,
  export_date < max(export_date) OVER () AS over
FROM ops.counted_days;
COMMENT ON VIEW ops.reconciliation IS 'Row counts the vendor sent against rows received (staged and rejected), a row a feed, source and day; the newest day may still be growing';

CREATE OR REPLACE VIEW ops.conservation AS
SELECT 'file' AS kind, source || ':' || path AS name, file_id, lines AS received, rows_staged AS kept,
  rows_rejected AS left_out, lines = rows_staged + rows_rejected AS holds
FROM ops.files WHERE superseded_by IS NULL
UNION ALL
SELECT 'model', model, NULL, rows_in, rows_kept, rows_superseded, rows_in = rows_kept + rows_superseded
FROM ops.model_runs WHERE materialized = 'dedup' AND status = 'built'
QUALIFY row_number() OVER (PARTITION BY model ORDER BY run_id DESC) = 1;
COMMENT ON VIEW ops.conservation IS 'Nothing is lost: lines = staged + rejected for each file, staged = kept + superseded for each dedup model';

CREATE OR REPLACE VIEW ops.tables AS
SELECT schema_name AS "schema", table_name AS "name", kind, built_at, run_id, rows, data_up_to, sources, stale, why
FROM ops.published_tables WHERE run_id IS NOT NULL;
COMMENT ON VIEW ops.tables IS 'The tables that analysts have: when each was built, from what, and whether it is older than it should be (stale, with the reason)';
`;

/**
 * Brings the ledger to the shape this program knows.
 * @throws StorageError when a newer program has been here
 */
export async function migrate(session: Session, now: Date): Promise<void> {
  await session.run(`CREATE SCHEMA IF NOT EXISTS ops;
CREATE TABLE IF NOT EXISTS ops.migrations (id INTEGER NOT NULL, applied_at TIMESTAMP NOT NULL);`);
  const { newest } = await session.row<{ newest: number }>(
    'SELECT coalesce(max(id), 0) AS newest FROM ops.migrations',
  );
  const known = MIGRATIONS.at(-1)?.id ?? 0;
  if (newest > known) {
    throw new StorageError(
      `the warehouse was made by a newer asapp-warehouse (ledger ${newest}, this one knows ${known})`,
      {
        hint: 'npm install -g asapp-warehouse@latest',
      },
    );
  }
  for (const { id, sql } of MIGRATIONS) {
    if (id <= newest) continue;
    await session.transaction(async () => {
      await session.run(sql);
      await session.run('INSERT INTO ops.migrations VALUES ($1, $2)', [id, now]);
    });
  }
  await makeViews(session);
}

/**
 * Whether the ledger has every migration of this program. One that is opened read-only stays as an older program left
 * it.
 */
export async function ledgerIsCurrent(session: Session): Promise<boolean> {
  const newest = MIGRATIONS.at(-1)?.id ?? 0;
  const found = await session.rows('SELECT 1 FROM ops.migrations WHERE id = $1', [newest]).catch(() => []);
  return found.length > 0;
}

/** Makes the views again when their text has changed; otherwise opening a warehouse writes nothing. */
async function makeViews(session: Session): Promise<void> {
  const hash = createHash('sha256').update(VIEWS).digest('hex').slice(0, 16);
  // Kept in a macro, since the comment of a table or view is found by going through the whole catalogue.
  const made = await ifThere(() => session.rows<{ hash: string }>('SELECT ops.views_hash() AS hash'));
  if (made?.[0]?.hash === hash) return;
  await session.transaction(() =>
    session.run(`${VIEWS}
      CREATE OR REPLACE MACRO ops.views_hash() AS '${hash}';
      COMMENT ON TABLE ops.migrations IS 'Migrations that were applied';`),
  );
}
