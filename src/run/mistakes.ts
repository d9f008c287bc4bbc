import { chosenSources } from '../config/chosen-sources.ts';
import { ConfigError, UsageError } from '../errors.ts';
import { tableName } from '../feeds/names.ts';
import { checkPolicyNames } from '../feeds/policy-names.ts';
import { chosenFeeds } from '../load/chosen-feeds.ts';
import type { LoadOptions } from '../load/load-run.ts';
import { type BuildOptions, openProject } from '../models/build/build.ts';
import { chooseModels } from '../models/choose.ts';
import { requireFolder } from '../models/files.ts';
import { nearest } from '../text.ts';
import type { Workspace } from '../workspace/workspace.ts';

/**
 * Looks at what was typed before anything is started.
 * @throws ModelError when there is no such folder of models
 * @throws ConfigError for a rule of `policy:` whose feed or column is spelled almost like another
 * @throws UsageError for a source, days or a selection that mean nothing, or a feed that is spelled almost like another
 */
export async function refuseMistakes(
  workspace: Workspace,
  { source, feed, since, until, select = [], exclude = [] }: LoadOptions & BuildOptions,
): Promise<void> {
  if (since && until && since > until)
    throw new UsageError('--since is after --until: no day is in between', { hint: 'exchange the two' });
  const { config, catalogue, session } = workspace;
  if (config.models !== undefined) await requireFolder(config.models);
  await refusePolicy(workspace);
  const groups = new Set(chosenSources(config.sources, source).map(({ group }) => group));
  if (feed !== undefined) {
    const seen = await session.rows<{ feed: string }>('SELECT DISTINCT feed FROM ops.feeds');
    const documented = [...groups].flatMap((group) => catalogue.feeds(group).map((spec) => spec.feed));
    const known = new Set([...seen.map((row) => row.feed), ...documented]);
    for (const name of feed) {
      const meant = [...groups].flatMap((group) => chosenFeeds(group, [name]));
      // A feed that nobody documents and that never came before may be there all the same.
      if (meant.some((folder) => known.has(folder))) continue;
      const close = meant.map((folder) => nearest(folder, known)).find((found) => found !== undefined);
      if (close === undefined) continue;
      throw new UsageError(`there is no feed named ${name}`, { hint: `did you mean ${close}?` });
    }
  }
  if (select.length > 0 || exclude.length > 0) {
    const project = await openProject(config, catalogue);
    await chooseModels(workspace, project, { select, exclude });
  }
}

/** Here, and not with the rest of the configuration: which feeds there are is known from the ledger, too. */
async function refusePolicy({ config, catalogue, session, reporter }: Workspace): Promise<void> {
  const { policy = {}, sources, file } = config;
  if (Object.keys(policy).length === 0) return;
  const seen = await session.rows<{ group: string; feed: string; version: string }>(
    'SELECT feed_group AS "group", feed, version FROM ops.feeds',
  );
  const documented = catalogue.groups.flatMap((group) => catalogue.feeds(group));
  const feeds = [...documented, ...seen.map((feed) => ({ ...feed, columns: [] }))].map((spec) => ({
    group: spec.group,
    name: tableName(spec.feed, spec.version),
    columns: spec.columns.map(({ name }) => name),
  }));
  const { misspelled: slips, unknown: strangers } = checkPolicyNames(policy, sources, feeds);
  if (slips.length > 0)
    throw new ConfigError(
      slips.map(({ selector, message }) => ({ file, key: `policy.${JSON.stringify(selector)}`, message })),
    );
  for (const selector of strangers)
    reporter.warn(`policy: ${selector} names a feed that nobody documents and that never came`);
}
