import { join } from 'node:path';
import { writeWhole } from '../files.ts';
import { bigintText } from '../text.ts';
import { type DocumentationSources, readDocumentation } from './documentation.ts';
import { manifest } from './manifest.ts';
import { page } from './page/page.ts';
import { runResults } from './run-results.ts';

/** What was written, and how much it covers. */
export interface WrittenDocs {
  /** The page. */
  index: string;
  models: number;
  feeds: number;
  tests: number;
}

/**
 * Writes the documentation as a page, and dbt's `manifest.json` and `run_results.json` for tools that read those. The
 * results of the last run are read from the ledger here, so that no run spends time on it.
 * @param directory gets `index.html`, `manifest.json` and `run_results.json`, each replaced whole
 * @throws StorageError when they cannot be written
 */
export async function generateDocs(sources: DocumentationSources, directory: string): Promise<WrittenDocs> {
  const documentation = await readDocumentation(sources);
  const index = join(directory, 'index.html');
  await writeWhole(index, page(documentation));
  await writeWhole(join(directory, 'manifest.json'), json(manifest(documentation)));
  await writeWhole(join(directory, 'run_results.json'), json(runResults(documentation)));
  const { models, feeds, tests } = documentation;
  return { index, models: models.length, feeds: feeds.length, tests: tests.length };
}

function json(value: object): string {
  return `${JSON.stringify(value, bigintText, 2)}\n`;
}
