import { chosenSources } from '../config/chosen-sources.ts';
import type { Source } from '../config/config.ts';
import { SourceError, UsageError } from '../errors.ts';
import { recordGaps } from '../ledger/gaps.ts';
import { wasInterrupted } from '../ledger/runs.ts';
import { asSourceError, fatal } from '../warehouse/scope.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { Landing } from './landing.ts';
import type { LoadOptions, LoadResult, LoadRun, SourceResult } from './load-run.ts';
import { nothingDone, SourceLoad } from './source-load.ts';

/** Discovers, fetches and stages what is new in each source. A source that fails does not keep the others. */
export async function load(
  workspace: Workspace,
  runId: number,
  options: LoadOptions = {},
): Promise<LoadResult> {
  const { config, session, clock } = workspace;
  await using landing = options.dryRun
    ? new Landing(config.landing)
    : await Landing.open(config.landing, clock());
  const tried: SourceResult[] = [];
  for (const source of chosenSources(config.sources, options.source)) {
    tried.push(await loadSource(workspace, { runId, options, landing }, source, expectedOf(tried)));
  }
  const result = totalOf(tried);
  const whole = result.listedWhole;
  // A run that was killed may have loaded partitions without looking for gaps between them.
  if (!options.dryRun && (result.changed || whole.length > 0 || (await wasInterrupted(session, runId)))) {
    await recordGaps(session, { lookBackDays: config.lookBackDays, now: clock(), whole });
  }
  mustBeFound(options.feed, tried);
  return result;
}

/**
 * @param expected what was found to be loaded of the sources before
 * @throws what ends the run
 */
async function loadSource(
  workspace: Workspace,
  run: LoadRun,
  source: Source,
  expected: SourceResult['expected'],
): Promise<SourceResult> {
  const { config, reporter, signal } = workspace;
  let result = nothingDone(source.name);
  try {
    for (const warning of source.warnings ?? [])
      reporter.warn(`${source.name}: ${warning}`, { source: source.name });
    await using connector = await source.open({ signal, limits: config.limits });
    result = await new SourceLoad(workspace, run, source, connector, expected).run();
    if (result.error) throw result.error;
    return result;
  } catch (cause) {
    const end = fatal(cause, signal);
    if (end !== undefined) throw end;
    const error = asSourceError(cause);
    reporter.warn(`${source.name}: ${error.message}`, { source: source.name, hint: error.hint });
    return { ...result, error };
  }
}

function totalOf(tried: readonly SourceResult[]): LoadResult {
  const sum = (of: (one: SourceResult) => number) => tried.reduce((total, one) => total + of(one), 0);
  return {
    files: sum(({ files }) => files),
    bytes: sum(({ bytes }) => bytes),
    rows: sum(({ rows }) => rows),
    rejected: sum(({ rejected }) => rejected),
    failedFiles: sum(({ failedFiles }) => failedFiles),
    failedFeeds: tried.flatMap(({ failedFeeds }) => failedFeeds),
    listedWhole: tried.flatMap(({ listedWhole }) => listedWhole),
    changed: tried.some(({ changed }) => changed),
    planned: tried.flatMap(({ planned }) => planned),
    triedSources: tried.map(({ source }) => source),
    failedSources: tried.flatMap(({ source, error }) => (error ? [{ source, error }] : [])),
  };
}

function expectedOf(tried: readonly SourceResult[]): SourceResult['expected'] {
  const sum = { files: 0, bytes: 0 };
  for (const { expected } of tried) {
    sum.files += expected.files;
    sum.bytes += expected.bytes;
  }
  return sum;
}

/**
 * An empty answer would look like good news.
 * @throws UsageError for a feed that was named and that no source has; SourceError where others that were named are loaded by now
 */
function mustBeFound(feeds: LoadOptions['feed'], tried: readonly SourceResult[]): void {
  const found = new Set(tried.flatMap((source) => source.found));
  const stranger = tried.some(({ error }) => error) ? undefined : feeds?.find((name) => !found.has(name));
  if (stranger === undefined) return;
  const Kind = found.size === 0 ? UsageError : SourceError;
  throw new Kind(`no source has a feed named ${stranger}`, {
    hint: 'a feed is named as its folder is; asapp-warehouse load --dry-run shows what there is',
  });
}
