import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256 } from '../ledger/documents.ts';
import { BUNDLED_SCHEMAS, bundledSchemas } from './bundled.ts';
import type { ExportDocument } from './documents/document.ts';
import type { Overrides } from './documents/overrides.ts';

/** The schema documents that come with the program, as versions like those of the vendor. */

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
  const text = await readFile(path.join(BUNDLED_SCHEMAS, 'overrides.yaml'), 'utf8');
  return { overrides, hash: sha256(text) };
}
