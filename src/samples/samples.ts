import { join } from 'node:path';
import { agentFeeds } from './agent-feeds.ts';
import { aiFeeds } from './ai-feeds.ts';
import { catalogueFeeds } from './catalogue-feeds.ts';
import { COMPANY } from './company.ts';
import { conversationFeeds } from './conversation-feeds.ts';
import type { SampleFeed, SampleRow, Window } from './feed.ts';
import { OddityMaker, oddities } from './oddities.ts';
import { outcomeFeeds } from './outcome-feeds.ts';
import { intervalName, jsonLine, writePartition } from './partitions.ts';
import { routingFeeds } from './routing-feeds.ts';
import { summaryFeeds } from './summary-feeds.ts';
import { DAY, dayOf, HOUR, QUARTER } from './times.ts';
import { simulate, type World } from './world.ts';

/** The first day of all sample feeds. */
export const FIRST_DAY = Date.UTC(2026, 0, 5);

export interface SampleOptions {
  /** How many days of feeds; 3 unless given. */
  days?: number;
  /** The same seed gives the same bytes. */
  seed?: number;
  conversationsPerDay?: number;
}

/** What was written: with `rows` and `distinctRecords`, what a right load and a right dedup must come to. */
export interface SampleSummary {
  /** All files, `_SUCCESS` among them. */
  files: number;
  bytes: number;
  feeds: number;
  /** Good lines in sealed partitions: what is staged. */
  rows: number;
  /** By `group.feed`, the records that those rows are versions of: what is left after dedup. */
  distinctRecords: Record<string, number>;
  /** Lines in sealed partitions that are not JSON. */
  brokenLines: number;
}

/** What a feed is, apart from where its rows come from. */
type FeedTraits = Omit<SampleFeed, 'rows'>;

const LENGTHS = { quarter: QUARTER, hour: HOUR, day: DAY };

const FEEDS = [
  ...conversationFeeds,
  ...outcomeFeeds,
  ...routingFeeds,
  ...catalogueFeeds,
  ...agentFeeds,
  ...summaryFeeds,
  ...aiFeeds,
];

/**
 * Writes the feeds of some days in a small invented contact centre, as the vendor would export them: records are sent
 * again whenever they change, some partitions are empty, split or compressed, and a few things are wrong (`oddities`).
 * @param directory gets the folders `messaging` and `ai_services`; files that are there already are written over
 */
export async function writeSampleFeeds(
  directory: string,
  options: SampleOptions = {},
): Promise<SampleSummary> {
  const { days = 3, seed = 20260105, conversationsPerDay = 100 } = options;
  const world = simulate({ from: FIRST_DAY, days, seed, conversationsPerDay });
  const exporter = new Exporter(directory, world);
  let countsBefore: SampleRow[] = [];
  for (let from = world.from; from < world.to; from += HOUR) {
    const hour = { from, to: from + HOUR };
    const counts: SampleRow[] = [];
    for (const feed of FEEDS)
      for (const window of windowsEnding(hour, LENGTHS[feed.every])) {
        const exported = exporter.write(feed, window, feed.rows(world, window));
        if (exported && feed.group === 'messaging') counts.push(countRow(feed, window, exported.rows));
      }
    // Each hour's counts are sent with the next hour's once more.
    exporter.write(EXPORT_ROW_COUNTS, hour, [...countsBefore, ...counts]);
    countsBefore = counts;
  }
  return exporter.summary();
}

/** Writes partitions, and keeps count of what is in them. */
class Exporter {
  readonly #directory: string;
  readonly #end: number;
  readonly #odd: OddityMaker;
  /** By `group.feed`, the keys of all rows that can be staged. */
  readonly #records = new Map<string, Set<string>>();
  readonly #totals = { files: 0, bytes: 0, rows: 0, brokenLines: 0 };

  constructor(directory: string, world: World) {
    this.#directory = directory;
    this.#end = world.to;
    this.#odd = new OddityMaker(world.from);
  }

  /** @returns how many rows the export has; undefined when it is not finished */
  write(feed: FeedTraits, window: Window, rows: SampleRow[]): { rows: number } | undefined {
    const name = `${feed.group}.${feed.name}`;
    const sealed = !(name === oddities.unsealed.feed && window.to === this.#end);
    const broken = this.#odd.brokenLine(name, window, rows.length);
    const altered = this.#odd.alter(name, window, rows);
    const lines = altered.map(jsonLine).map((line, index) => (index === broken ? cutOff(line) : line));
    const written = writePartition(join(this.#directory, feed.group), feed, window, lines, sealed);
    this.#totals.files += written.files;
    this.#totals.bytes += written.bytes;
    const good = sealed ? altered.filter((_, index) => index !== broken) : [];
    this.#totals.rows += good.length;
    if (broken >= 0) this.#totals.brokenLines += 1;
    const records = this.#records.get(name) ?? new Set();
    for (const row of good) records.add(feed.key.map((column) => String(row[column])).join('\n'));
    this.#records.set(name, records);
    return sealed ? { rows: lines.length } : undefined;
  }

  summary(): SampleSummary {
    const distinct = [...this.#records].map(([name, records]) => [name, records.size]);
    return { ...this.#totals, feeds: this.#records.size, distinctRecords: Object.fromEntries(distinct) };
  }
}

/** The windows of one length whose end lies in an hour. */
function windowsEnding(hour: Window, length: number): Window[] {
  const windows: Window[] = [];
  for (let to = (Math.floor(hour.from / length) + 1) * length; to <= hour.to; to += length)
    windows.push({ from: to - length, to });
  return windows;
}

/** The vendor publishes this feed's key and not its columns; `exported_rows` is what a customer's loader calls it. */
const EXPORT_ROW_COUNTS: FeedTraits = {
  group: 'messaging',
  name: 'export_row_counts',
  every: 'hour',
  key: ['export_date', 'export_job', 'export_interval'],
};

function countRow(feed: FeedTraits, window: Window, rows: number): SampleRow {
  return {
    export_date: dayOf(window.from),
    export_job: feed.name,
    export_interval: intervalName(feed.every, window),
    exported_rows: rows,
    company_name: COMPANY.name,
  };
}

function cutOff(line: string): string {
  return line.slice(0, Math.floor(line.length * 0.6));
}
