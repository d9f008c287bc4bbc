import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '../errors.ts';
import { INSTALLATION } from '../installation.ts';
import { sha256 } from '../text.ts';
import { type Catalogue, type GroupDocument, loadCatalogue, type Schemas } from './catalogue.ts';
import type { ExportDocument } from './documents/document.ts';
import { type Overrides, parseOverrides } from './documents/overrides.ts';
import { parseExportDocument } from './documents/parse.ts';
import type { DocumentProblem } from './documents/problems.ts';

/**
 * The schemas that come with the program.
 *
 * Parsing their 10,000 lines of YAML takes half a second, too long for a command that runs every few minutes. So `npm
 * run build` writes a parsed copy beside the program, and that copy is used as long as none of the files is newer than
 * it.
 */
const BUNDLED_SCHEMAS = path.join(INSTALLATION, 'schemas');
const OVERRIDES = 'overrides.yaml';
const PARSED_COPY = path.join(INSTALLATION, 'dist/schemas.json');

let bundled: Promise<Schemas> | undefined;

/** The bundled documents and corrections; read once. */
export function bundledSchemas(): Promise<Schemas> {
  bundled ??= readParsedCopy().then((schemas) => schemas ?? readSchemas(BUNDLED_SCHEMAS));
  return bundled;
}

/** The groups that a document comes with. Nothing is read for it. */
export async function bundledGroups(): Promise<string[]> {
  const names = await yamlFiles(BUNDLED_SCHEMAS);
  return names.filter((name) => name !== OVERRIDES).map((name) => path.basename(name, '.yaml'));
}

export async function bundledCatalogue(): Promise<Catalogue> {
  const { documents, overrides } = await bundledSchemas();
  return loadCatalogue(documents, overrides);
}

export interface BundledDocument {
  text: string;
  document: ExportDocument;
}

/** The document of a group; undefined for a group that none comes with. */
export async function bundledDocument(group: string): Promise<BundledDocument | undefined> {
  const { documents } = await bundledSchemas();
  const found = documents.find((each) => each.group === group);
  if (!found) return undefined;
  const text = await readFile(path.join(BUNDLED_SCHEMAS, `${group}.yaml`), 'utf8');
  return { text, document: found.document };
}

/** A person's corrections, and the hash that they are known by. */
export async function bundledOverrides(): Promise<{ overrides: Overrides; hash: string }> {
  const { overrides } = await bundledSchemas();
  const text = await readFile(path.join(BUNDLED_SCHEMAS, OVERRIDES), 'utf8');
  return { overrides, hash: sha256(text) };
}

/** Writes the parsed copy: the last step of `npm run build`. */
export async function writeParsedCopy(): Promise<void> {
  const { documents, overrides } = await readSchemas(BUNDLED_SCHEMAS);
  const entries = [...overrides].map(([group, feeds]) => [
    group,
    [...feeds].map(([feed, { columns, ...rest }]) => [feed, { ...rest, columns: [...(columns ?? [])] }]),
  ]);
  await writeFile(PARSED_COPY, JSON.stringify({ documents, overrides: entries }));
}

/**
 * Reads a folder like `schemas/`: `overrides.yaml`, and one document a group.
 * @throws ConfigError when a file in it cannot be understood
 */
async function readSchemas(directory: string): Promise<Schemas> {
  const problems: DocumentProblem[] = [];
  const documents: GroupDocument[] = [];
  let overrides: Overrides = new Map();
  for (const name of await yamlFiles(directory)) {
    const file = path.join(directory, name);
    const text = await readFile(file, 'utf8');
    if (name === OVERRIDES) {
      overrides = parseOverrides(text, file);
      continue;
    }
    const parsed = parseExportDocument(text, file);
    problems.push(...parsed.problems);
    documents.push({ group: path.basename(name, '.yaml'), document: parsed.document });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { documents, overrides };
}

async function yamlFiles(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.yaml')).sort();
}

/** The catalogue of a folder like `schemas/`. @throws ConfigError */
export async function readCatalogue(directory: string): Promise<Catalogue> {
  const { documents, overrides } = await readSchemas(directory);
  return loadCatalogue(documents, overrides);
}

type Entries<T> = [string, T][];
type WrittenFeed = { columns: Entries<{ type: string }> };

async function readParsedCopy(): Promise<Schemas | undefined> {
  const written = await stat(PARSED_COPY).catch(() => undefined);
  if (!written) return undefined;
  const text = await readFile(PARSED_COPY, 'utf8');
  const { documents, overrides } = JSON.parse(text) as {
    documents: GroupDocument[];
    overrides: Entries<Entries<WrittenFeed>>;
  };
  const files = ['overrides', ...documents.map(({ group }) => group)];
  for (const name of files) {
    const { mtimeMs } = await stat(path.join(BUNDLED_SCHEMAS, `${name}.yaml`));
    if (mtimeMs > written.mtimeMs) return undefined;
  }
  const revived = overrides.map(
    ([group, feeds]) =>
      [
        group,
        new Map(feeds.map(([feed, { columns, ...rest }]) => [feed, { ...rest, columns: new Map(columns) }])),
      ] as const,
  );
  return { documents, overrides: new Map(revived) as unknown as Overrides };
}
