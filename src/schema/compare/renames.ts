import type { ColumnDoc } from '../../feeds/documents/document.ts';

type Listed = Pick<ColumnDoc, 'name' | 'type' | 'deleted'>;

/**
 * Columns that look as if they had been renamed: between the same two neighbours, as many are gone as are new, and
 * each new one has the type of the one that stood in its place. Pure. A guess: what comes of it is a person's to say.
 */
export function likelyRenames(
  before: readonly Listed[],
  after: readonly Listed[],
): { gone: string; fresh: string }[] {
  const alive = (columns: readonly Listed[]) => columns.filter(({ deleted }) => deleted === undefined);
  const old = alive(before);
  const young = alive(after);
  const gone = gaps(old, new Set(young.map(idOf)));
  // A column that was removed before and is listed again is back, not new.
  const known = new Set(before.map(idOf));
  const fresh = gaps(young, known);
  const found: { gone: string; fresh: string }[] = [];
  for (const [place, lost] of gone) {
    const won = fresh.get(place) ?? [];
    const alike = lost.length === won.length && lost.every(({ type }, index) => type === won[index]?.type);
    if (!alike) continue;
    for (const [index, column] of lost.entries()) {
      found.push({ gone: column.name, fresh: (won[index] as Listed).name });
    }
  }
  return found;
}

/** Columns that are not among `others`, by the two neighbours that are. */
function gaps(columns: readonly Listed[], others: ReadonlySet<string>): Map<string, Listed[]> {
  const found = new Map<string, Listed[]>();
  let left = '';
  let inside: Listed[] = [];
  const close = (right: string) => {
    if (inside.length > 0) found.set(JSON.stringify([left, right]), inside);
    inside = [];
    left = right;
  };
  for (const column of columns) {
    if (others.has(idOf(column))) close(idOf(column));
    else inside.push(column);
  }
  close('');
  return found;
}

function idOf({ name }: Listed): string {
  return name.toLowerCase();
}
