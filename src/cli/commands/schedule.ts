import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Cron } from 'croner';
import { UsageError } from '../../errors.ts';
import type { CommandContext, CommonOptions } from '../command.ts';

/**
 * `schedule`: stays up and calls `run` on a cron expression, for machines without a scheduler.
 *
 * Each run is a process of its own, so that a crash does not end the schedule. A run that is due while another is still
 * going is skipped. The expression is parsed by croner, which is maintained, has no dependencies, and knows time zones.
 */
export default async function schedule(
  context: CommandContext<CommonOptions & { cron: string }>,
): Promise<number> {
  const { options, logger, signal } = context;
  // Problems of the configuration are reported now, not at three in the morning.
  await context.readConfig();
  const job = cronJob(options.cron, async () => {
    const exit = await runOnce(options, signal);
    const next = job.nextRun()?.toISOString();
    const ended = `run ended with exit code ${exit}${next ? `; the next is at ${next}` : ''}`;
    // The run has reported its attention items itself. That it did not end well is a warning, so that it is seen under
    // -q, too.
    if (exit === 0 || signal.aborted) logger.info(ended, { exit_code: exit });
    else logger.warn(ended, { exit_code: exit });
  });
  logger.info(`the first run is at ${job.nextRun()?.toISOString()}; stop with Ctrl+C`);
  if (!signal.aborted) await once(signal, 'abort');
  job.stop();
  while (job.isBusy()) await new Promise((resolve) => setTimeout(resolve, 50));
  logger.info('stopped');
  return 0;
}

function cronJob(expression: string, work: () => Promise<void>): Cron {
  try {
    const job = new Cron(expression, { timezone: 'UTC', protect: true }, work);
    if (job.nextRun()) return job;
    throw new Error('it never comes due');
  } catch (error) {
    throw new UsageError(`--cron ${JSON.stringify(expression)}: ${(error as Error).message}`, {
      hint: 'five fields, in UTC: minute hour day month weekday; "*/15 * * * *" is every quarter of an hour',
      cause: error,
    });
  }
}

/**
 * Calls `run` once, and passes signals on to it.
 * @returns its exit code
 */
async function runOnce(options: CommonOptions, signal: AbortSignal): Promise<number> {
  const words = ['run', '--config', options.config, '--log-format', options.logFormat];
  if (options.quiet) words.push('--quiet');
  const child = spawn(process.execPath, [process.argv[1] as string, ...words], { stdio: 'inherit' });
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  const [code] = (await once(child, 'exit')) as [number | null];
  signal.removeEventListener('abort', stop);
  return code ?? 1;
}
