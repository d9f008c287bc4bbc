import { chosenSources } from '../config/chosen-sources.ts';
import { SourceError, UsageError } from '../errors.ts';
import { recordGaps } from '../ledger/gaps.ts';
import { wasInterrupted } from '../ledger/runs.ts';
import { asSourceError, fatal } from '../warehouse/scope.ts';
import type { LoadContext, LoadOptions, LoadResult } from './load-context.ts';
import { SourceLoad } from './source-load.ts';

/** Discovers, fetches and stages what is new in each source. A source that fails does not keep the others. */
export async function load(context: LoadContext, options: LoadOptions = {}): Promise<LoadResult> {
  const result: LoadResult = {
    expected: { files: 0, bytes: 0 },
    files: 0,
    bytes: 0,
    rows: 0,
    rejected: 0,
    failedFiles: 0,
    triedSources: [],
    failedSources: [],
    failedFeeds: [],
    listedWhole: [],
    found: new Set(),
    changed: false,
    planned: [],
  };
  for (const source of chosenSources(context.sources, options.source)) {
    result.triedSources.push(source.name);
    try {
      const { signal, limits, reporter } = context;
      for (const warning of source.warnings ?? [])
        reporter.warn(`${source.name}: ${warning}`, { source: source.name });
      await using connector = await source.open({ signal, limits });
      await new SourceLoad(context, options, source, connector, result).run();
    } catch (cause) {
      const end = fatal(cause, context.signal);
      if (end !== undefined) throw end;
      const error = asSourceError(cause);
      result.failedSources.push({ source: source.name, error });
      context.reporter.warn(`${source.name}: ${error.message}`, { source: source.name, hint: error.hint });
    }
  }
  const { session, runId, lookBackDays, clock } = context;
  const whole = result.listedWhole;
  // A run that was killed may have loaded partitions without looking for gaps between them.
  if (!options.dryRun && (result.changed || whole.length > 0 || (await wasInterrupted(session, runId)))) {
    await recordGaps(session, { lookBackDays, now: clock(), whole });
  }
  mustBeFound(options.feed, result);
  return result;
}

/**
 * An empty answer would look like good news.
 * @throws UsageError for a feed that was named and that no source has; SourceError where others that were named are loaded by now
 */
function mustBeFound(feeds: LoadOptions['feed'], { found, failedSources }: LoadResult): void {
  const stranger = failedSources.length > 0 ? undefined : feeds?.find((name) => !found.has(name));
  if (stranger === undefined) return;
  const Kind = found.size === 0 ? UsageError : SourceError;
  throw new Kind(`no source has a feed named ${stranger}`, {
    hint: 'a feed is named as its folder is; asapp-warehouse load --dry-run shows what there is',
  });
}
