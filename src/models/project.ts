import { assembleProject, type Project } from './assemble.ts';
import type { Settings } from './context.ts';
import { readProjectFiles } from './files.ts';
import { withParsedCopies } from './parsed-copy.ts';
import type { FeedRule } from './rule.ts';

export interface ProjectOptions extends Settings {
  /** The bundled folder of models first, the user's own after it: theirs win by schema and name. */
  directories: readonly string[];
  /** Documented feeds: one without a model file gets its dedup model. */
  feeds: readonly FeedRule[];
}

/**
 * Reads all models, tests and descriptions, and checks everything that can be checked without a warehouse. What is wrong
 * with them is in the project, each with file and line.
 * @throws ModelError for an unreadable folder
 */
export async function loadProject(options: ProjectOptions): Promise<Project> {
  const { directories, feeds, ...settings } = options;
  const files = await withParsedCopies(await readProjectFiles(directories));
  return assembleProject(files, feeds, settings);
}
