import { warnOfMistakes } from '../../models/build/build.ts';
import type { TestOutcome } from '../../models/tests/run-test.ts';
import type { TestOptions } from '../../models/tests/test.ts';
import { testOnly } from '../../run/run.ts';
import { count } from '../../text.ts';
import type { ResultTable } from '../../warehouse/values.ts';
import { openWorkspace } from '../../workspace/workspace.ts';
import type { CommandContext, CommonOptions } from '../command.ts';

/** `test`: runs the data tests and the unit tests. */
export default async function test(context: CommandContext<CommonOptions & TestOptions>): Promise<number> {
  const { options, logger } = context;
  const config = await context.readConfig();
  await using workspace = await openWorkspace(config, {
    ...context,
    reporter: logger,
    dryRun: options.dryRun,
  });
  const { tests, chosen, exitCode } = await testOnly(workspace, options);
  logger.progress.stop();
  warnOfMistakes(chosen.project, logger);
  await context.print(tableOf(options.dryRun ? chosen.ready.map(plannedRow) : tests.map(outcomeRow)));
  for (const outcome of tests) report(context, outcome);
  if (!options.dryRun) logger.info(summary(tests));
  if (chosen.leftOut.length > 0)
    logger.info(`${count(chosen.leftOut.length, 'test')} of tables that are not there yet left out`);
  return exitCode;
}

function tableOf(rows: ResultTable['rows']): ResultTable {
  const types = {
    test: 'VARCHAR',
    model: 'VARCHAR',
    column: 'VARCHAR',
    status: 'VARCHAR',
    failures: 'BIGINT',
    seconds: 'DOUBLE',
  };
  return { columns: Object.entries(types).map(([name, type]) => ({ name, type })), rows };
}

function plannedRow({ name, model, column }: { name: string; model?: string; column?: string }) {
  return [name, model ?? null, column ?? null, 'planned', null, null];
}

function outcomeRow(outcome: TestOutcome) {
  const { test, model, column_name: column, status, failures } = outcome;
  const seconds = (outcome.finished_at.getTime() - outcome.started_at.getTime()) / 1000;
  return [test, model, column, status, failures, seconds];
}

/** Reports a test that did not pass, with the failing rows below it. */
function report({ logger }: CommandContext, { test, status, message, lines }: TestOutcome): void {
  if (status === 'warn') logger.warn(`${test}: ${message}`);
  if (status !== 'fail' && status !== 'error') return;
  const how = status === 'fail' ? 'failed' : 'could not be run';
  logger.error([`test ${test} ${how}: ${message}`, ...lines.map((line) => `  ${line}`)].join('\n'));
}

function summary(outcomes: readonly TestOutcome[]): string {
  const words = {
    pass: 'passed',
    warn: 'warned',
    fail: 'failed',
    error: 'could not be run',
    skipped: 'skipped',
  };
  const parts = Object.entries(words).flatMap(([status, word]) => {
    const number = outcomes.filter((outcome) => outcome.status === status).length;
    return number === 0 ? [] : [`${number.toLocaleString('en-US')} ${word}`];
  });
  return [count(outcomes.length, 'test'), parts.join(', ')].filter(Boolean).join(': ');
}
