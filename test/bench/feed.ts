import { literal } from '../../src/warehouse/sql.ts';

/**
 * Made-up exports of the feed `convos_metrics`, each row a function of its number: the same at each run of the bench.
 *
 * An hour's export holds the conversations that began in it and, again, those of the hours before that have changed
 * since: as many as {@link Shape.versions} asks for.
 */
export const FEED = 'convos_metrics';

export interface Shape {
  rowsPerHour: number;
  /** How many versions a record has, on average. */
  versions: number;
}

/** The first hour. */
const EPOCH = Date.UTC(2026, 0, 5);
const HOUR_MS = 3_600_000;

export function hourTime(hour: number): Date {
  return new Date(EPOCH + hour * HOUR_MS);
}

/** The folder of an hour's partition, relative to the source's root. */
export function hourFolder(hour: number, feed = FEED): string {
  return partitionFolder(feed, hourTime(hour));
}

export function partitionFolder(feed: string, time: Date): string {
  const iso = time.toISOString();
  return `${feed}/version=1/format=jsonl/dt=${iso.slice(0, 10)}/hr=${iso.slice(11, 13)}`;
}

/** How a column is made: as a typed value, and for a file where that is spelled in another way. */
type Recipe = [column: string, typed: string, written?: string];

/** A number from 0 to `below`, another one for each row and `salt`. */
const random = (salt: number, below: number) => `(hash(i, ${salt}) % ${below})::BIGINT`;
const oneOf = (salt: number, values: readonly string[]) =>
  `[${values.map(literal).join(', ')}][1 + ${random(salt, values.length)}]`;
/** Seconds with three digits after the point. */
const seconds = (salt: number, below: number) => `(${random(salt, below * 1000)} / 1000.0)`;
/** Seconds with all the digits that a double has. */
const longSeconds = (salt: number, below: number) => `(${random(salt, below * 1000)} / 997.0)`;
const sometimes = (salt: number, percent: number, value: string) =>
  `CASE WHEN ${random(salt, 100)} < ${percent} THEN ${value} END`;
/** The SDKs of phones send a flag as true or false, the others as 1 or 0. */
const writtenFlag = (flag: string) =>
  `(CASE WHEN device = 'mobile' THEN ${flag}::VARCHAR ELSE ${flag}::INT::VARCHAR END)::JSON`;

const FLAG_ASSISTED = `(${random(8, 10)} < 7)`;
const FLAG_ATTEMPTED = `(${random(27, 10)} < 9)`;

const RECIPES: readonly Recipe[] = [
  ['company_subdivision', oneOf(1, ['ACMEsubcorp', 'ACMEmobile', 'ACMEbusiness', 'ACMEhome'])],
  ['company_segments', oneOf(2, ['marketing,promotions', 'billing', 'retention,loyalty', 'sales'])],
  [
    'first_utterance_ts',
    'began',
    `CASE issue % 20 WHEN 0 THEN strftime(began, '%Y-%m-%dT%H:%M:%SZ')
      WHEN 1 THEN strftime(began + INTERVAL 2 HOUR, '%Y-%m-%dT%H:%M:%S+02:00')
      ELSE strftime(began, '%Y-%m-%dT%H:%M:%S+00:00') END`,
  ],
  ['conversation_id', 'issue'],
  ['customer_id', sometimes(5, 90, '100000 + (hash(issue) % 5000000)::BIGINT')],
  ['platform', oneOf(6, ['web', 'ios', 'android', 'applebiz', 'voice'])],
  ['device_type', 'device'],
  ['assisted', FLAG_ASSISTED, writtenFlag(FLAG_ASSISTED)],
  ['total_handle_time', seconds(9, 1800)],
  ['total_lead_time', seconds(10, 1500)],
  ['total_wrap_up_time', seconds(11, 120)],
  ['total_session_time', longSeconds(12, 7200)],
  ['customer_sent_msgs', `${random(13, 30)}::DOUBLE`],
  ['agent_sent_msgs', 'rep_messages'],
  ['auto_generated_msgs', random(15, 12)],
  ['first_rep_response_count', random(16, 3)],
  ['total_seconds_to_first_rep_response', longSeconds(17, 600)],
  ['agent_response_count', random(18, 20)],
  ['customer_response_count', random(19, 25)],
  ['total_rep_seconds_to_respond', longSeconds(20, 900)],
  ['total_cust_seconds_to_respond', longSeconds(21, 2000)],
  ['time_in_queue', seconds(22, 900)],
  ['auto_suggest_msgs', random(23, 8)],
  ['auto_complete_msgs', random(24, 8)],
  ['auto_wait_for_agent_msgs', random(25, 3)],
  ['customer_wait_for_agent_msgs', random(26, 3)],
  ['attempted_chat', FLAG_ATTEMPTED, writtenFlag(FLAG_ATTEMPTED)],
  ['out_business_ct', random(28, 2)],
  ['issue_id', 'issue'],
  ['rep_sent_msgs', 'rep_messages'],
  ['rep_response_count', random(31, 20)],
  ['auto_wait_for_rep_msgs', random(32, 3)],
  ['customer_wait_for_rep_msgs', random(33, 3)],
  ['hold_ct', sometimes(34, 20, random(35, 4))],
  ['total_hold_time_seconds', sometimes(34, 20, seconds(36, 300))],
  ['company_name', `'acme'`],
];

export const COLUMNS: readonly string[] = RECIPES.map(([column]) => column);

/**
 * The rows of the hours from `first` up to `end`, in the order of their files; `hour` and `line` tell which.
 * @param spelling as values of the columns' types, or as the vendor writes them into files
 */
export function rows(
  shape: Shape,
  first: number,
  end: number,
  spelling: 'typed' | 'written',
  extra: readonly string[] = [],
): string {
  const { rowsPerHour } = shape;
  const begun = Math.floor(rowsPerHour / shape.versions);
  const columns = RECIPES.map(
    ([column, typed, written]) => `${spelling === 'written' ? (written ?? typed) : typed} AS ${column}`,
  );
  // 7919 is a prime: it shuffles the rows of an hour unless it divides their number.
  const shuffle = rowsPerHour % 7919 === 0 ? 1 : 7919;
  return `SELECT ${[...columns, ...extra].join(',\n  ')}
FROM (
  SELECT *, 20000000 + issue_hour * ${begun} + shuffled % ${begun} AS issue,
    TIMESTAMP '${hourTime(0).toISOString().slice(0, 19).replace('T', ' ')}'
      + to_seconds(issue_hour * 3600 + (shuffled % ${begun}) * 3600 // ${begun}) AS began,
    ${oneOf(7, ['mobile', 'tablet', 'desktop', 'watch', 'unknown'])} AS device,
    ${random(14, 30)} AS rep_messages
  FROM (
    SELECT *, hour - shuffled // ${begun} AS issue_hour
    FROM (
      SELECT range AS i, range // ${rowsPerHour} AS hour, range % ${rowsPerHour} AS line,
        ((range % ${rowsPerHour}) * ${shuffle}) % ${rowsPerHour} AS shuffled
      FROM range(${first * rowsPerHour}, ${end * rowsPerHour}))))`;
}
