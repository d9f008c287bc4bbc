import { stagingProgress } from '../../ledger/feeds.ts';
import { builtModels } from '../../ledger/models.ts';
import type { Project } from '../../models/assemble.ts';
import { chooseModels, type Selection } from '../../models/choose.ts';
import { modelsBehind } from '../../models/tests/behind.ts';
import { presentRelations } from '../../warehouse/tables.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import { verifyFiles } from './files.ts';
import type { Finding } from './finding.ts';
import { verifyGaps, verifyOrphans, verifyProofs } from './ledger.ts';
import { skipped, verifyModel } from './models.ts';
import { verifyPublished } from './published.ts';

export type { Finding } from './finding.ts';

/** Which models to prove, and with them the feeds that they read. */
export interface VerifyOptions extends Selection {
  /** Proves only so many dedup models, chosen at random; left out: all. */
  sample?: number;
  /** As `Math.random`. */
  random: () => number;
}

/**
 * Recomputes from stored data what must always hold: each line of each file is staged or rejected, each staged row is
 * kept or superseded, the dedup tables equal a full build, a full build does not depend on order or threads, nothing is
 * missing or orphaned, and what is published is what was built. Reads the loader's own warehouse and the copy; writes
 * only temporary tables.
 */
export async function verify(
  workspace: Workspace,
  project: Project,
  options: VerifyOptions,
): Promise<Finding[]> {
  const { session, reporter, signal } = workspace;
  const { select = [], exclude = [] } = options;
  const chosen = await chooseModels(workspace, project, options);
  const models = chosen.flatMap((id) => project.models.get(id) ?? []);
  const narrowed = select.length > 0 || exclude.length > 0;
  const read = new Set(models.flatMap(({ sources }) => sources.map(({ group, feed }) => `${group}.${feed}`)));
  const present = await presentRelations(session);
  const feeds = await stagingProgress(session);

  const findings: Finding[] = [];
  for (const [name, feed] of feeds) {
    if (narrowed && !read.has(name)) continue;
    signal?.throwIfAborted();
    reporter.progress.activity(`counting the lines of ${name}`);
    findings.push(...(await verifyFiles(session, name, feed, present.has(`staging_${name}`))));
  }
  const built = await builtModels(session);
  const behind = modelsBehind(project, feeds, built);
  const dedup = models.filter(({ id, config }) => config.materialized === 'dedup' && present.has(id));
  for (const model of sampleOf(dedup, options)) {
    signal?.throwIfAborted();
    reporter.progress.activity(`proving ${model.id}`);
    findings.push(
      ...(behind.has(model.id)
        ? [skipped(model, 'rows came since it was built: asapp-warehouse build')]
        : await verifyModel(session, model, built.get(model.id)?.definition)),
    );
  }
  signal?.throwIfAborted();
  if (!narrowed) {
    reporter.progress.activity('looking for what is missing, and for what belongs to nothing');
    const { lookBackDays } = workspace.config;
    findings.push(
      ...(await verifyOrphans(session)),
      ...(await verifyGaps(session, { now: workspace.clock(), lookBackDays })),
      ...(await verifyProofs(session)),
    );
  }
  reporter.progress.activity('comparing what is published');
  findings.push(...(await verifyPublished(session, workspace.config.publish, new Set(chosen))));
  return findings;
}

function sampleOf<T>(all: readonly T[], { sample = all.length, random }: VerifyOptions): T[] {
  const drawn = all.map((one, index) => ({ one, index, lot: random() })).sort((a, b) => a.lot - b.lot);
  return drawn
    .slice(0, sample)
    .sort((a, b) => a.index - b.index)
    .map(({ one }) => one);
}
