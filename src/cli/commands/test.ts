import { warnOfMistakes } from '../../models/build/build.ts';
import type { TestOutcome } from '../../models/tests/run-test.ts';
import type { TestOptions } from '../../models/tests/test.ts';
import type { PlannedTest } from '../../models/tests/test-plan.ts';
import { testOnly } from '../../run/run.ts';
import { count } from '../../text.ts';
import { tableOf } from '../../warehouse/values.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { openFor } from '../open.ts';

/** `test`: runs the data tests and the unit tests. */
export default async function test(context: CommandContext<CommonOptions & TestOptions>): Promise<number> {
  const { options, logger } = context;
  await using workspace = await openFor(context);
  const { tests, chosen, exitCode } = await testOnly(workspace, options);
  logger.progress.stop();
  warnOfMistakes(chosen.project, logger);
  const rows = options.dryRun ? chosen.ready.map(plannedRow) : tests.map(outcomeRow);
  const names = ['test', 'model', 'column', 'status', 'failures', 'seconds'] as const;
  await context.print(tableOf(names, rows, { failures: 'BIGINT', seconds: 'DOUBLE' }));
  for (const outcome of tests) report(context, outcome);
  if (!options.dryRun) logger.info(summary(tests));
  if (chosen.leftOut.length > 0)
    logger.info(`${count(chosen.leftOut.length, 'test')} of tables that are not there yet left out`);
  return exitCode;
}

function plannedRow({ name, model, column }: PlannedTest) {
  return { test: name, model, column, status: 'planned' };
}

function outcomeRow(outcome: TestOutcome) {
  const seconds = (outcome.finished_at.getTime() - outcome.started_at.getTime()) / 1000;
  return { ...outcome, column: outcome.column_name, seconds };
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
