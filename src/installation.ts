import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder that the program is installed in, with its `models/` and `schemas/`: the nearest one above this code that
 * has a `package.json`, since a bundled file does not lie where its source does.
 */
export const INSTALLATION = packageFolder(dirname(fileURLToPath(import.meta.url)));

function packageFolder(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : packageFolder(dirname(folder));
}

interface Manifest {
  version: string;
  engines: { node: string };
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** What the program says of itself. */
export function manifest(): Manifest {
  return JSON.parse(readFileSync(join(INSTALLATION, 'package.json'), 'utf8'));
}
