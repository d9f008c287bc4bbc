import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Project } from '../../src/models/assemble.ts';
import { problemText } from '../../src/models/problems.ts';
import { loadProject, type ProjectOptions } from '../../src/models/project.ts';

/** Files by path, e.g. `{ 'models/marts/agents.sql': 'select 1' }`. */
export type Files = Readonly<Record<string, string>>;

/** Writes files below a new folder, which goes when the test ends. Gives the folder. */
export async function folderOf(files: Files): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'models-'));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

/** Loads the folder `models` of some files. */
export async function projectOf(files: Files, options: Partial<ProjectOptions> = {}): Promise<Project> {
  const root = await folderOf(files);
  return loadProject({
    directories: [join(root, 'models')],
    feeds: [],
    vars: {},
    env: {},
    secrets: [],
    targetName: 'test',
    ...options,
  });
}

/** The problems that loading some files shows, each as one line of text. */
export async function problemsOf(files: Files, options: Partial<ProjectOptions> = {}): Promise<string[]> {
  return (await projectOf(files, options)).problems.map(problemText);
}
