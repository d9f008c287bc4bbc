import type { Ora } from 'ora';
import { type ProgressReporter, silentReporter } from '../reporter.ts';
import { newProgress, progressText, sample } from './progress-text.ts';
import { DEFAULT_WIDTH, type OutputStream } from './terminal.ts';

/** Redrawn ten times a second. */
const REDRAW_MS = 100;
/** The places taken by the spinner and blanks before the text, and the last column, where some terminals wrap. */
const MARGIN = 4;

/** Whether a progress line would be seen: on a terminal that is not a CI log, in text format, and without `-q`. */
export function showsProgress(on: {
  isTTY: boolean;
  env: NodeJS.ProcessEnv;
  format: 'text' | 'json';
  quiet: boolean;
}): boolean {
  return on.isTTY && !on.env.CI && on.env.TERM !== 'dumb' && on.format === 'text' && !on.quiet;
}

export interface ProgressOptions {
  /** The terminal to draw on. */
  stream: OutputStream;
  color: boolean;
  clock: () => Date;
  /** Redacts the secrets in the activity. */
  redact: (text: string) => string;
}

/**
 * A progress line, drawn from the first report until `stop`, and then erased. Whole lines written to stdout or stderr
 * meanwhile appear above it, which ora takes care of. It keeps the process alive until `stop`. ora is only loaded when
 * there is something to draw, since most runs are started by a scheduler.
 */
export function createProgress(options: ProgressOptions | undefined): ProgressReporter {
  if (!options) return silentReporter.progress;
  const { stream, color, clock, redact } = options;
  const now = () => clock().getTime();
  const state = newProgress(now());
  let line: Ora | undefined;
  let started = false;
  let stopped = false;
  const start = async () => {
    const { default: ora } = await import('ora');
    if (stopped) return;
    line = ora({
      stream,
      isEnabled: true,
      interval: REDRAW_MS,
      color: color ? 'cyan' : false,
      // Ctrl-C and typing ahead keep working, and a killed run does not leave the terminal without a cursor.
      discardStdin: false,
      hideCursor: false,
      suffixText: () => progressText(state, now(), (stream.columns || DEFAULT_WIDTH) - MARGIN),
    }).start();
  };
  const changed = () => {
    sample(state, now());
    if (started) return;
    started = true;
    void start();
  };
  return {
    expect({ files, bytes }) {
      state.files.total = files;
      state.bytes.total = bytes;
      changed();
    },
    activity(text) {
      state.activity = redact(text);
      changed();
    },
    fetched(bytes) {
      state.bytes.fetched += bytes;
      changed();
    },
    done({ feed, files, bytes }) {
      state.feeds.add(feed);
      state.files.done += files;
      state.bytes.done += bytes;
      changed();
    },
    stop() {
      stopped = true;
      line?.stop();
    },
  };
}
