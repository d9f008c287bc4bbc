import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Every file below a folder by its path from there, in order. */
export async function readTree(directory: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = await Promise.all(
    paths.map(async (path): Promise<[string, Buffer]> => [relative(directory, path), await readFile(path)]),
  );
  return new Map(files.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The lines of a data file, unpacked where its name says so. */
export function linesOf(path: string, content: Buffer): string[] {
  const text = (path.endsWith('.gz') ? gunzipSync(content) : content).toString();
  return text.split('\n').filter((line) => line !== '');
}

/** The partition that a file lies in. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
