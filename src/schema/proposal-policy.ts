import { ruleFor } from '../feeds/policy.ts';
import { openChanges, updateChange } from '../ledger/schema-changes.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { changeOf } from './decide/decide.ts';
import { applySchema } from './follow.ts';

/**
 * Applies the policy to changes that the data propose, in the run that found them: with `policy: { '*': { type_widened:
 * apply } }` a key becomes text at once, and not only in the next run.
 */
export async function applyPolicyToProposals(workspace: Workspace, runId: number): Promise<void> {
  const { session, config, clock } = workspace;
  const proposed = (await openChanges(session)).filter(({ found_in }) => found_in === 'data');
  const accept: number[] = [];
  for (const row of proposed) {
    const rule = ruleFor(config.policy ?? {}, { source: row.source, change: changeOf(row) });
    if (rule === 'apply') accept.push(row.change_id);
    if (rule === 'ignore') {
      await updateChange(session, row.change_id, { decision: 'ignored', decided_at: clock() });
    }
  }
  if (accept.length > 0) await applySchema(workspace, runId, { accept });
}
