import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { INSTALLATION } from '../installation.ts';
import { BUNDLED_MODELS } from '../workspace/workspace.ts';
import { type ProjectFile, readProjectFiles } from './files.ts';
import { type PropertiesFile, parseProperties } from './properties.ts';

/**
 * What the properties files of the bundled models say. Parsing their YAML takes more than half of the time in which all
 * models are read, which every run does. So `npm run build` writes a parsed copy beside the program; where a file has
 * another text by now, it is parsed.
 */
const PARSED_COPY = join(INSTALLATION, 'dist/models.parsed');

type ParsedFile = Pick<ProjectFile, 'file' | 'text'> & { parsed: PropertiesFile };

/** Adds to files what they say, as far as the copy has it. */
export async function withParsedCopies(files: readonly ProjectFile[]): Promise<ProjectFile[]> {
  const copies = await readParsedCopy();
  return files.map((file) => {
    const copy = copies.find((each) => each.file === file.file && each.text === file.text);
    return copy ? { ...file, parsed: copy.parsed } : file;
  });
}

async function readParsedCopy(): Promise<ParsedFile[]> {
  try {
    return deserialize(await readFile(PARSED_COPY));
  } catch {
    // Not built, or by another Node.js, whose format this one does not read.
    return [];
  }
}

/** Writes that copy, for `npm run build`. */
export async function writeParsedCopy(): Promise<void> {
  const files = (await readProjectFiles([BUNDLED_MODELS])).filter(({ kind }) => kind === 'properties');
  const parsed = files.map(
    ({ file, text }): ParsedFile => ({ file, text, parsed: parseProperties(file, text) }),
  );
  await writeFile(PARSED_COPY, serialize(parsed));
}
