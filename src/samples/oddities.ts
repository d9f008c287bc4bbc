import type { SampleRow, Window } from './feed.ts';
import { HOUR } from './times.ts';

/**
 * What goes wrong in real feeds, each once and on purpose. From `after` on (hours since the first midnight) it happens
 * in the first partition of the feed that has enough rows.
 */
export const oddities = {
  /** A field that nobody has published, in a few hours' worth of rows; it belongs in `_rescued`. */
  undeclared: { feed: 'messaging.convos_metadata', column: 'genagent_handoff_reason', after: 9, before: 15 },
  /** A value that does not fit its column; it belongs in `_rescued` too. */
  misfit: { feed: 'messaging.rep_convos', column: 'max_rep_response_seconds', value: 'n/a', after: 10 },
  /** A line that was cut off in the middle. */
  broken: { feed: 'messaging.live_agent_opportunities', after: 10 },
  /** The newest hour of this feed has its file and no `_SUCCESS`: the export is still going on. */
  unsealed: { feed: 'messaging.utterances' },
} as const;

/** Does to the lines of the partitions that go by what `oddities` says. */
export class OddityMaker {
  readonly #start: number;
  #misfitDone = false;
  #brokenDone = false;

  /** @param start the first midnight of the feeds */
  constructor(start: number) {
    this.#start = start;
  }

  /** Changes what some rows hold. */
  alter(feed: string, window: Window, rows: SampleRow[]): SampleRow[] {
    const hour = (window.from - this.#start) / HOUR;
    const { undeclared, misfit } = oddities;
    if (feed === undeclared.feed && undeclared.after <= hour && hour < undeclared.before)
      return rows.map((row) =>
        row.escalated_to_chat ? { ...row, [undeclared.column]: 'LOW_CONFIDENCE' } : row,
      );
    if (feed === misfit.feed && misfit.after <= hour && rows.length > 0 && !this.#misfitDone) {
      this.#misfitDone = true;
      return rows.with(-1, { ...rows.at(-1), [misfit.column]: misfit.value });
    }
    return rows;
  }

  /** The number of the line to cut off in a partition with so many lines; -1 for none. */
  brokenLine(feed: string, window: Window, lines: number): number {
    const hour = (window.from - this.#start) / HOUR;
    const { broken } = oddities;
    if (feed !== broken.feed || hour < broken.after || lines < 2 || this.#brokenDone) return -1;
    this.#brokenDone = true;
    return Math.floor(lines / 2);
  }
}
