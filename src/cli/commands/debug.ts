import { type DebugCheck, MACHINE } from '../../audit/debug/check.ts';
import { debug } from '../../audit/debug/debug.ts';
import { programChecks } from '../../audit/debug/machine.ts';
import { chosenSources } from '../../config/chosen-sources.ts';
import { ConfigError, type Problem } from '../../errors.ts';
import { tableOf } from '../../warehouse/values.ts';
import type { CommandContext, CommonOptions } from '../command.ts';

type DebugContext = CommandContext<CommonOptions & { source?: string[] }>;

/** `debug`: checks everything that a run needs, and says what to do about what does not work. */
export default async function debugCommand(context: DebugContext): Promise<number> {
  const { logger, redact } = context;
  const checks: DebugCheck[] = [];
  for await (const check of allChecks(context)) {
    checks.push(check);
    if (check.state === 'failed')
      logger.warn(`${check.source}: ${check.step} failed: ${check.detail}`, { advice: check.advice });
  }
  logger.progress.stop();
  const table = tableOf(['source', 'step', 'state', 'ms', 'detail', 'advice'], checks, { ms: 'INTEGER' });
  const hidden = table.rows.map((row) => row.map((cell) => (typeof cell === 'string' ? redact(cell) : cell)));
  await context.print({ ...table, rows: hidden });
  return checks.some(({ state }) => state === 'failed') ? 1 : 0;
}

async function* allChecks(context: DebugContext): AsyncGenerator<DebugCheck> {
  const { options, signal, logger } = context;
  const steps = { onStep: (what: string) => logger.progress.activity(what), signal };
  let problems: readonly Problem[] = [];
  let hint: string | undefined;
  const config = await context
    .readConfig((found) => {
      problems = found;
    })
    .catch((error) => {
      if (!(error instanceof ConfigError)) throw error;
      ({ problems, hint } = error);
    });
  const wrong = problems
    .map((problem) => configurationCheck(problem, hint))
    .filter(({ source }) => options.source === undefined || [...options.source, MACHINE].includes(source));
  yield* wrong;
  const isWrong = (name: string) => wrong.some(({ source }) => source === name);
  if (config) {
    const sound = options.source?.filter((name) => !isWrong(name));
    yield* debug(config, chosenSources(config.sources, sound), steps);
  } else yield* programChecks(steps);
}

/**
 * A problem of the configuration as a failed check.
 * @param hint what to do, where one hint covers all problems
 */
function configurationCheck({ file, line, key, message }: Problem, hint: string | undefined): DebugCheck {
  const source = /^sources\.(\w+)/.exec(key)?.[1];
  return {
    source: source ?? MACHINE,
    step: 'configuration',
    state: 'failed',
    ms: null,
    detail: `${file}${line === undefined ? '' : `:${line}`}: ${key}: ${message}`,
    advice: hint ?? `Correct it in ${file}; what depends on it was not tried.`,
  };
}
