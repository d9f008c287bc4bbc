import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** What identifies a record and what orders its versions, read off the vendor's two guides by hand. */
export const RULES: Record<string, { key: string[]; order: string }> = {
  'messaging.convos_metrics': { key: ['issue_id'], order: 'first_utterance_ts' },
  'messaging.convos_metadata': { key: ['issue_id'], order: 'last_event_ts' },
  'messaging.convos_intents': { key: ['issue_id'], order: 'first_utterance_ts' },
  'messaging.issue_queues': { key: ['issue_id', 'queue_id', 'enter_queue_ts'], order: 'instance_ts' },
  'messaging.rep_convos': { key: ['issue_id', 'rep_id', 'issue_assigned_ts'], order: 'instance_ts' },
  'messaging.rep_activity': {
    key: ['company_name', 'instance_ts', 'rep_id', 'status_id', 'in_status_starting_ts'],
    order: 'instance_ts',
  },
  'messaging.rep_utilized': {
    key: ['instance_ts', 'rep_id', 'desk_mode', 'max_slots', 'company_name'],
    order: 'instance_ts',
  },
  'messaging.reps': { key: ['rep_id'], order: 'created_ts' },
  'messaging.utterances': { key: ['created_ts', 'issue_id', 'sender_id'], order: 'instance_ts' },
  'messaging.csid_containment': { key: ['csid', 'company_name'], order: 'instance_ts' },
  'messaging.customer_feedback': {
    key: ['issue_id', 'company_name', 'last_rep_id', 'question', 'instance_ts'],
    order: 'instance_ts',
  },
  'messaging.issue_sentiment': { key: ['issue_id'], order: 'instance_ts' },
  'messaging.transfers': { key: ['company_id', 'issue_id', 'rep_id', 'timestamp_req'], order: 'instance_ts' },
  'messaging.dim_queues': { key: ['queue_key', 'company_name'], order: 'queue_key' },
  'messaging.intents': { key: ['code', 'company_name'], order: 'code' },
  'messaging.live_agent_opportunities': {
    key: ['issue_id', 'customer_id', 'opportunity_ts'],
    order: 'instance_ts',
  },
  'messaging.flow_completions': {
    key: ['company_id', 'issue_id', 'success_event_details'],
    order: 'last_relevant_event_ts',
  },
  'messaging.export_row_counts': {
    key: ['export_date', 'export_job', 'export_interval'],
    order: 'export_date',
  },
  'messaging.queue_wfm': { key: ['instance_ts', 'queue_name', 'rep_id'], order: 'instance_ts' },
  'ai_services.autosummary_free_text': {
    key: ['company_marker', 'conversation_id', 'summary_id'],
    order: 'instance_ts',
  },
  'ai_services.autosummary_feedback': {
    key: ['company_marker', 'conversation_id', 'summary_id'],
    order: 'instance_ts',
  },
  'ai_services.autosummary_structured_data': {
    key: ['company_marker', 'conversation_id', 'structured_data_id', 'structured_data_field_id'],
    order: 'instance_ts',
  },
  'ai_services.staging_conversation_state': {
    key: ['company_marker', 'conversation_id', 'dt', 'hr'],
    order: 'instance_ts',
  },
  'ai_services.utterances': {
    key: ['company_marker', 'conversation_id', 'message_id'],
    order: 'instance_ts',
  },
};

/** DuckDB with the sample feeds in it, deduped the plain way: `messaging.convos_metrics` and so on. */
export class NaiveWarehouse implements AsyncDisposable {
  readonly #connection: DuckDBConnection;

  private constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  static async create(): Promise<NaiveWarehouse> {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    // One thread, so that row_number() over () counts lines as they stand in the files.
    await connection.run(
      "SET TimeZone = 'UTC'; SET threads = 1; CREATE SCHEMA messaging; CREATE SCHEMA ai_services",
    );
    return new NaiveWarehouse(connection);
  }

  /**
   * Loads one feed and keeps the last version of each record.
   * @param name `group.feed`
   * @param files of the sealed partitions, whole paths
   * @param types of columns that are wanted besides key and order; columns not named here are text
   */
  async load(name: string, files: readonly string[], types: Record<string, string> = {}): Promise<void> {
    const { key, order } = RULES[name] as { key: string[]; order: string };
    const columns = { ...Object.fromEntries([...key, order].map((column) => [column, 'VARCHAR'])), ...types };
    const struct = Object.entries(columns).map(([column, type]) => `${column}: '${type}'`);
    await this.#connection.run(`
      CREATE TABLE ${name} AS
      SELECT * FROM (
        SELECT *, row_number() OVER () AS line
        FROM read_json([${[...files].sort().map((file) => `'${file}'`)}], columns = {${struct}},
          format = 'newline_delimited', ignore_errors = true, filename = true, hive_partitioning = false)
      )
      -- A line that DuckDB could not read is a row without anything.
      WHERE ${key[0]} IS NOT NULL
      QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY ${order} DESC NULLS LAST, filename DESC, line DESC) = 1`);
  }

  async query(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.#connection.runAndReadAll(sql)).getRowObjectsJson();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync();
  }
}
