import { basename } from 'node:path';
import { rootKeys } from './definition.ts';
import type { ConfigFinding } from './problems.ts';
import type { Tree } from './tree.ts';

const fileKeys = rootKeys.pick({ warehouse: true, publish: true }).strip();

/**
 * What is wrong with the names of the two DuckDB files, or with the two together. What is wrong with one of them alone
 * is reported elsewhere.
 * @param groups every group that has schemas
 */
export function fileFindings(
  tree: Tree,
  absolute: (path: string) => string,
  groups: readonly string[],
): ConfigFinding[] {
  const files = fileKeys.safeParse(tree.value).data;
  if (files === undefined || tree.isStandIn(['warehouse']) || tree.isStandIn(['publish'])) return [];
  const findings: ConfigFinding[] = [];
  const schemas = ['main', 'ops', 'marts', ...groups, ...groups.map((group) => `staging_${group}`)];
  for (const [key, path] of Object.entries(files)) {
    // DuckDB calls a database by its file's name up to the first dot, and cannot tell whether `messaging` in
    // `messaging.convos_metrics` is a schema or the database of that name.
    const database = basename(path).split('.')[0]?.toLowerCase() ?? '';
    if (schemas.includes(database))
      findings.push({
        path: [key],
        line: tree.mark([key])?.line,
        message: `must not be named like the schema ${database} that it will hold, but is ${JSON.stringify(path)}`,
      });
  }
  if (absolute(files.publish) === absolute(files.warehouse))
    findings.push({
      path: ['publish'],
      line: tree.mark(['publish'])?.line,
      message: `must be another file than warehouse, but is ${JSON.stringify(files.publish)}`,
    });
  return findings;
}
