import { ConfigError, type Problem } from '../../errors.ts';
import { type Check, MACHINE } from '../../operations/debug/check.ts';
import { programChecks } from '../../operations/debug/machine.ts';
import { debug } from '../../operations/debug.ts';
import { chosenSources } from '../../pipeline/load.ts';
import type { CommandContext, CommonOptions } from '../command.ts';

type Context = CommandContext<CommonOptions & { source?: string }>;

/** `debug`: what works of all that a run needs, and what to do about the rest. */
export default async function debugCommand(context: Context): Promise<number> {
  const { logger, redact } = context;
  const checks: Check[] = [];
  for await (const check of checked(context)) {
    checks.push(check);
    if (check.state === 'failed')
      logger.warn(`${check.source}: ${check.step} failed: ${check.detail}`, { advice: check.advice });
  }
  logger.progress.stop();
  const names = ['source', 'step', 'state', 'ms', 'detail', 'advice'] as const;
  await context.print({
    columns: names.map((name) => ({ name, type: name === 'ms' ? 'INTEGER' : 'VARCHAR' })),
    rows: checks.map((check) =>
      names.map((name) => (typeof check[name] === 'string' ? redact(check[name]) : check[name])),
    ),
  });
  return checks.some(({ state }) => state === 'failed') ? 1 : 0;
}

async function* checked(context: Context): AsyncGenerator<Check> {
  const { options, signal, logger } = context;
  const steps = { onStep: (what: string) => logger.progress.activity(what), signal };
  let problems: readonly Problem[] = [];
  const config = await context
    .readConfig((found) => {
      problems = found;
    })
    .catch((error) => {
      if (!(error instanceof ConfigError)) throw error;
      problems = error.problems;
    });
  const wrong = problems
    .map(configurationCheck)
    .filter(({ source }) => options.source === undefined || [options.source, MACHINE].includes(source));
  yield* wrong;
  const isWrong = wrong.some(({ source }) => source === options.source);
  if (config) yield* debug(config, isWrong ? [] : chosenSources(config.sources, options.source), steps);
  else yield* programChecks(steps);
}

function configurationCheck({ file, line, key, message }: Problem): Check {
  const source = /^sources\.(\w+)/.exec(key)?.[1];
  return {
    ...{ source: source ?? MACHINE, step: 'configuration', state: 'failed', ms: null },
    detail: `${file}${line === undefined ? '' : `:${line}`}: ${key}: ${message}`,
    advice: `Correct it in ${file}; what depends on it was not tried.`,
  };
}
