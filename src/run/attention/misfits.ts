import type { Attention } from '../../attention.ts';
import { OWN_OVERRIDES } from '../../config/corrections.ts';
import { exceedsMaxMisfits, type MaxMisfits } from '../../config/misfits.ts';
import { type ColumnMisfit, columnMisfits } from '../../ledger/model-columns.ts';
import { count } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';

/** More than these are counted. */
const MAX_ITEMS = 10;

/**
 * Values that do not fit their column, which is NULL in those rows. In a column that any model tells records apart by, they
 * make one record of several; in one that versions are ranked by, the version ranks last and an older one stays published.
 * There is no number of them that is none of anybody's business. Elsewhere there is: `max_misfits`.
 *
 * A line whose value of the feed's own documented key does not fit is rejected, and so never comes here. One that only a
 * model of the user's own has for a key is staged: for the feed's own table the line is right, and whether it is rejected
 * must not depend on which models there were on the day it came.
 */
export async function misfitAttention(session: Session, max: MaxMisfits): Promise<Attention[]> {
  const all = await columnMisfits(session);
  const keys = all.filter((misfit) => misfit.keys.length > 0);
  const orders = all.filter((misfit) => misfit.keys.length === 0 && misfit.orders.length > 0);
  const others = all.filter(
    (misfit) => misfit.keys.length + misfit.orders.length === 0 && exceedsMaxMisfits(max, misfit),
  );
  return [...capped(keys, keyItem), ...capped(orders, orderItem), ...capped(others, otherItem)];
}

function keyItem(misfit: ColumnMisfit): Attention {
  const { misfits, keys } = misfit;
  return {
    ...item('key_misfits', misfit),
    message: `${count(misfits, 'value')} of ${nameOf(misfit)}, by which ${keys.join(', ')} ${keys.length === 1 ? 'tells' : 'tell'} records apart, ${fits(misfits)} its type${typeOf(misfit)}: those rows are NULL there, and one record`,
  };
}

function orderItem(misfit: ColumnMisfit): Attention {
  const { misfits, orders } = misfit;
  return {
    ...item('ordering_misfits', misfit),
    message: `${count(misfits, 'value')} of ${nameOf(misfit)}, by which ${orders.join(', ')} ${orders.length === 1 ? 'ranks' : 'rank'} versions, ${fits(misfits)} its type${typeOf(misfit)}: those versions rank last`,
  };
}

function otherItem(misfit: ColumnMisfit): Attention {
  const { misfits, rows } = misfit;
  return {
    ...item('misfits', misfit),
    message: `${count(misfits, 'value')} of ${nameOf(misfit)}, in ${count(rows, 'row')}, ${fits(misfits)} its type${typeOf(misfit)}, more than max_misfits`,
  };
}

function item(kind: Attention['kind'], misfit: ColumnMisfit): Omit<Attention, 'message'> {
  const feed = `${misfit.feed_group}.${misfit.feed}`;
  return {
    kind,
    severity: 'attention',
    feed,
    count: misfit.misfits,
    hint: `asapp-warehouse schema diff --feed ${feed} shows one; say the column's type or format in ${OWN_OVERRIDES} beside warehouse.yaml`,
  };
}

function capped(misfits: readonly ColumnMisfit[], toItem: (misfit: ColumnMisfit) => Attention): Attention[] {
  const items = misfits.slice(0, MAX_ITEMS).map(toItem);
  const more = misfits.slice(MAX_ITEMS);
  const [first] = items;
  if (more.length === 0 || !first) return items;
  return [
    ...items,
    {
      kind: first.kind,
      severity: 'attention',
      count: more.length,
      message: `${count(more.length, 'further column')} with values that do not fit`,
      hint: 'asapp-warehouse query "FROM ops.column_misfit_totals" shows all of them',
    },
  ];
}

function nameOf({ feed_group, feed, column_name }: ColumnMisfit): string {
  return `${feed_group}.${feed}.${column_name}`;
}

function typeOf({ type }: ColumnMisfit): string {
  return type === null ? '' : ` (${type})`;
}

function fits(misfits: number): string {
  return misfits === 1 ? 'does not fit' : 'do not fit';
}
