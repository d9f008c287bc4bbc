import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { parseConfig } from '../config/parse.ts';
import { starterConfig } from '../config/starter.ts';
import { connectors } from '../connectors/index.ts';
import { bundledCatalogue } from '../feeds/bundled.ts';
import { silentReporter } from '../reporter.ts';
import { run } from '../run/run.ts';
import { databaseFiles } from '../warehouse/file-access.ts';
import { literal } from '../warehouse/sql.ts';
import { Warehouse } from '../warehouse/warehouse.ts';
import { openWorkspace } from '../workspace/workspace.ts';
import { FIRST_DAY, writeSampleFeeds } from './samples.ts';

/** A choice of feeds, to keep the file small. */
const FEEDS: Readonly<Record<string, string[]>> = {
  messaging: [
    'convos_metrics',
    'convos_metadata',
    'convos_intents',
    'csid_containment',
    'issue_queues',
    'rep_activity',
    'intents',
    'export_row_counts',
  ],
  ai_services: ['autosummary_free_text', 'autosummary_feedback'],
};

/**
 * Makes a small warehouse from one day of sample feeds: the loader's own file, staging and ledger and all.
 * It is the same each time, but for how DuckDB lays it out.
 * @param target the DuckDB file to write; one that is there is replaced
 */
export async function writeExample(target: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'asapp-warehouse-example-'));
  try {
    await writeSampleFeeds(join(folder, 'feeds'), { days: 1, conversationsPerDay: 40 });
    const { groups } = await bundledCatalogue();
    const file = join(folder, 'warehouse.yaml');
    const parsed = parseConfig(starterConfig({ demo: true }), {
      file,
      absoluteFile: file,
      home: folder,
      env: {},
      connectors,
      knownGroups: groups,
    });
    if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
    for (const source of parsed.config.sources) source.feeds = FEEDS[source.group];
    // The morning after the day of the feeds.
    const clock = () => new Date(FIRST_DAY + 30 * 3_600_000);
    await load(parsed.config, clock);
    await rm(target, { force: true });
    const reach = { files: databaseFiles(resolve(target)) };
    await using warehouse = await Warehouse.open(parsed.config.warehouse, { fileAccess: reach });
    const session = await warehouse.session();
    // Small blocks: of the default size, nearly empty ones would make most of the file.
    await session.run(`ATTACH ${literal(resolve(target))} AS example (BLOCK_SIZE 16384)`);
    const { home } = await session.row<{ home: string }>('SELECT current_database() AS home');
    await session.run(`COPY FROM DATABASE ${home} TO example; DETACH example`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function load(config: Config, clock: () => Date): Promise<void> {
  await using workspace = await openWorkspace(config, { reporter: silentReporter, clock });
  await run(workspace);
}

if (process.argv[1]?.endsWith('example.js')) await writeExample(resolve('warehouse.duckdb.example'));
