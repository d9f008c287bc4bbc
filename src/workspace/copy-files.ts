import { resolve } from 'node:path';
import { databaseFiles } from '../warehouse/file-access.ts';

/** The files that writing the copy touches, with what DuckDB makes beside them. */
export function copyFiles(target: string): string[] {
  const path = resolve(target);
  return [...databaseFiles(path), ...databaseFiles(temporaryName(path))];
}

/** The caller holds the warehouse, so nobody else writes a copy; its process tells whose it was, should it be killed. */
export function temporaryName(target: string): string {
  return `${target}.${process.pid}.tmp`;
}
