import type { Config } from '../config/config.ts';
import { readConfig } from '../config/read.ts';
import { connectors } from '../connectors/index.ts';
import { DamagedError, exitCodeOf, type Problem } from '../errors.ts';
import { bundledGroups } from '../feeds/bundled.ts';
import { MIN_SECRET_LENGTH, redactor } from '../redact.ts';
import type { ResultRows } from '../warehouse/values.ts';
import { describeError, errorFields } from './describe-error.ts';
import type { LogFormat, OutputFormat } from './formats.ts';
import { createLogger, type Logger } from './log.ts';
import { printTable, printText } from './output.ts';
import { type OutputStream, wantsColor, widthOf } from './terminal.ts';

/** Options that every command understands. */
export interface CommonOptions {
  config: string;
  output: OutputFormat;
  logFormat: LogFormat;
  quiet?: boolean;
  dryRun?: boolean;
}

/** What a command works with. All effects come in here, so that tests can replace them. */
export interface CommandContext<Options extends CommonOptions = CommonOptions> {
  options: Options;
  logger: Logger;
  clock: () => Date;
  signal: AbortSignal;
  /**
   * Reads `warehouse.yaml`. From then on its secrets are redacted in all output.
   * @param onProblems receives problems that concern only some sources or `.env`; left out: they are errors, too
   */
  readConfig(onProblems?: (problems: readonly Problem[]) => void): Promise<Config>;
  /** Redacts further secrets in all output from then on. */
  keepSecret(...secrets: string[]): void;
  /** Redacts the secrets known so far in a text. */
  redact(text: string): string;
  /** Prints data to stdout, as `--output` asks. */
  print(table: ResultRows, format?: OutputFormat): Promise<void>;
  /** Where data is written that is not text. */
  stdout: OutputStream;
  /** Prints data that is not a table, such as SQL. */
  write(text: string | Uint8Array): Promise<void>;
  /** The terminal that stdout is shown on. */
  terminal: { width: number; color: boolean };
}

/** For commands that use no source: whoever reads the warehouse need not have the credentials of its sources. */
export const IGNORE_SOURCE_PROBLEMS = (): void => {};

/** Calls a command with all that it works with, and reports what becomes of it. @returns the exit code */
export async function runCommand<Options extends CommonOptions>(
  options: Options,
  work: (context: CommandContext<Options>) => Promise<number>,
): Promise<number> {
  const { env, stderr, stdout } = process;
  const clock = () => new Date();
  const secrets: string[] = [];
  let hide = redactor(secrets);
  const redact = (text: string) => hide(text);
  const keepSecret = (...more: string[]) => {
    secrets.push(...more);
    hide = redactor(secrets);
  };
  const logger = createLogger({
    stream: stderr,
    format: options.logFormat,
    quiet: options.quiet === true,
    clock,
    env,
    redact,
  });
  let config: Config | undefined;
  const report = (error: unknown) => {
    const debug = env.DEBUG?.includes('asapp-warehouse') ?? false;
    if (options.logFormat === 'json') {
      const { message, ...fields } = errorFields(error, { debug });
      logger.error(message, fields);
    } else logger.error(describeError(error, { debug }));
  };
  const stop = stopOnSignals();
  process.once('uncaughtException', crash);
  try {
    return await work({
      options,
      logger,
      clock,
      signal: stop.signal,
      keepSecret,
      redact,
      async readConfig(onProblems) {
        const knownGroups = await bundledGroups();
        config = await readConfig(options.config, { connectors, env, knownGroups, onProblems });
        keepSecret(...config.secrets);
        if (onProblems === undefined && config.secrets.some(({ length }) => length < MIN_SECRET_LENGTH))
          logger.warn(
            `a secret of ${options.config} has fewer than ${MIN_SECRET_LENGTH} characters: it is guessed easily, and is not hidden in what is logged`,
          );
        return config;
      },
      print: (table, format = options.output) =>
        printTable(table, { format, stream: stdout, color: wantsColor(stdout, env) }),
      stdout,
      write: (text) => printText(stdout, typeof text === 'string' ? redact(text) : text),
      terminal: { width: widthOf(stdout, env), color: wantsColor(stdout, env) },
    });
  } catch (error) {
    if (stop.signal.aborted) logger.error('stopped; what was committed stays');
    else if (config && error instanceof DamagedError) {
      const { withAdvice } = await import('../audit/damage.ts');
      report(await withAdvice(error, config));
    } else report(error);
    return exitCodeOf(error);
  } finally {
    logger.progress.stop();
    stop[Symbol.dispose]();
    process.off('uncaughtException', crash);
  }

  /** An uncaught error ends the program, as Node would end it, but is reported as briefly as any other error. */
  function crash(error: unknown): void {
    report(error);
    process.exit(1);
  }
}

/** The first SIGINT or SIGTERM asks the work to stop between two steps; the second ends the process. */
function stopOnSignals(): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const stop = () => controller.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
    },
  };
}
