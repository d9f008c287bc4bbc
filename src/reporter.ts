/**
 * How the pipeline tells a person what it is doing. It never writes anywhere itself: the command line shows this as
 * log lines and a progress line (`src/cli/log.ts`, `src/cli/progress.ts`), a test listens, a library stays silent.
 */
export interface Reporter {
  /**
   * Something happened that a person may want to read later.
   * @param fields the same for machines, by name: `{ feed: 'messaging.utterances', files: 3 }`
   */
  info(message: string, fields?: Record<string, unknown>): void;
  /** Something happened that a person should look at, and that did not stop the run. */
  warn(message: string, fields?: Record<string, unknown>): void;
  readonly progress: ProgressReporter;
}

/** What is going on right now. Forgotten as soon as it is over. */
export interface ProgressReporter {
  /** All the work found so far, in files and bytes; each call replaces the one before, so that totals may grow. */
  expect(work: { files: number; bytes: number }): void;
  /** What is being done now: `staging messaging.convos_metrics`. */
  activity(text: string): void;
  /** So many more bytes came in from a source. Files that are read in place are not fetched. */
  fetched(bytes: number): void;
  /** So much more work is finished, of one feed. */
  done(work: { feed: string; files: number; bytes: number; rows: number }): void;
  /** The end: nothing more is shown, whatever is reported later. */
  stop(): void;
}

/** Tells nobody. */
export const silentReporter: Reporter = {
  info() {},
  warn() {},
  progress: { expect() {}, activity() {}, fetched() {}, done() {}, stop() {} },
};
