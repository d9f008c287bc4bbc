import { nearest } from '../text.ts';
import type { ConfigFinding } from './problems.ts';
import { isMapping, type Tree, valueAt } from './tree.ts';

/** Rules of `policy:` that never apply because they name no source of the file. Pure. */
export function policyFindings(tree: Tree, sources: readonly string[]): ConfigFinding[] {
  const policy = valueAt(tree.value, ['policy']);
  if (!isMapping(policy)) return [];
  return Object.keys(policy).flatMap((selector): ConfigFinding[] => {
    const [source = ''] = selector.split('.');
    if (source === '*' || source === '' || sources.includes(source)) return [];
    const meant = nearest(source, sources);
    const path = ['policy', selector];
    const guess = meant === undefined ? '' : `; did you mean ${meant}?`;
    const message = `begins with ${JSON.stringify(source)}, which is no source of this file${guess} (* stands for all)`;
    return [{ path, line: tree.mark(path)?.line, message }];
  });
}
