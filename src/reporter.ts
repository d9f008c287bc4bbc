/**
 * How the program reports what it is doing. A reporter decides where that goes: the command line shows log lines and a
 * progress line (`src/cli/log.ts`, `src/cli/progress.ts`), a test collects it, a library ignores it.
 */
export interface Reporter {
  /**
   * Something happened that a person may want to read later.
   * @param fields the same for programs, by name: `{ feed: 'messaging.utterances', files: 3 }`
   */
  info(message: string, fields?: Record<string, unknown>): void;
  /** Something happened that a person should look at, and that did not stop the run. */
  warn(message: string, fields?: Record<string, unknown>): void;
  readonly progress: ProgressReporter;
}

/** The progress of the work. Not kept. */
export interface ProgressReporter {
  /** All work found so far, in files and bytes. Each call replaces the last, so totals may grow. */
  expect(work: { files: number; bytes: number }): void;
  /** What is being done now: `staging messaging.convos_metrics`. */
  activity(text: string): void;
  /** Further bytes arrived from a source. Files that are read in place are not fetched. */
  fetched(bytes: number): void;
  /** Further work of one feed is finished. */
  done(work: { feed: string; files: number; bytes: number; rows: number }): void;
  /** Ends the progress: later reports are not shown. */
  stop(): void;
}

/** Reports nothing. */
export const silentReporter: Reporter = {
  info() {},
  warn() {},
  progress: { expect() {}, activity() {}, fetched() {}, done() {}, stop() {} },
};
