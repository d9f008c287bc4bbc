import { createHash } from 'node:crypto';
import type { PlannedTest } from '../models/tests/test-plan.ts';

/** The keys of a project's models, sources and tests in dbt's artifacts. */

export const PACKAGE = 'asapp_warehouse';

/** @param id `schema.name` */
export function modelKey(id: string): string {
  return `model.${PACKAGE}.${id}`;
}

export function sourceKey(group: string, feed: string): string {
  return `source.${PACKAGE}.${group}.${feed}`;
}

export function testKey(test: PlannedTest): string {
  if (test.kind === 'unit') return `unit_test.${PACKAGE}.${test.of.id}.${test.name}`;
  return `test.${PACKAGE}.${test.name}`;
}

/** An id in the form of a UUID; the same text gives the same id. */
export function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  // Version 8 is for ids of a custom scheme.
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

/** The keys of what something reads. */
export function parentsOf({
  refs,
  sources,
}: Pick<PlannedTest, 'sources'> & { refs: readonly string[] }): string[] {
  return [...refs.map(modelKey), ...sources.map(({ group, feed }) => sourceKey(group, feed))];
}

/** The properties that dbt has for everything that is defined in a file. */
export function fileProperties(key: string, name: string, kind: string, file: string) {
  // dbt's path leaves out the top folder.
  const path = file.slice(file.indexOf('/') + 1);
  const folders = path.split('/').slice(0, -1);
  return {
    name,
    resource_type: kind,
    package_name: PACKAGE,
    path,
    original_file_path: file,
    unique_id: key,
    fqn: [PACKAGE, ...folders, name],
  };
}
