import type { ColumnDoc } from '../../feeds/documents/document.ts';

type ComparedColumn = Pick<ColumnDoc, 'name' | 'type' | 'deleted'>;

/**
 * Guesses which columns were renamed: where between the same two neighbours as many columns are gone as are new, and
 * the types match one by one. Pure. Only a guess, which is reported and never acted upon.
 */
export function likelyRenames(
  before: readonly ComparedColumn[],
  after: readonly ComparedColumn[],
): { gone: string; fresh: string }[] {
  const alive = (columns: readonly ComparedColumn[]) =>
    columns.filter(({ deleted }) => deleted === undefined);
  const old = alive(before);
  const young = alive(after);
  const gone = unmatchedRuns(old, new Set(young.map(idOf)));
  // A removed column that is listed again is not new.
  const known = new Set(before.map(idOf));
  const fresh = unmatchedRuns(young, known);
  const found: { gone: string; fresh: string }[] = [];
  for (const [place, lost] of gone) {
    const won = fresh.get(place) ?? [];
    const alike = lost.length === won.length && lost.every(({ type }, index) => type === won[index]?.type);
    if (!alike) continue;
    for (const [index, column] of lost.entries()) {
      found.push({ gone: column.name, fresh: (won[index] as ComparedColumn).name });
    }
  }
  return found;
}

/** The runs of columns that are not among `others`, by the two neighbours around each run that are. */
function unmatchedRuns(
  columns: readonly ComparedColumn[],
  others: ReadonlySet<string>,
): Map<string, ComparedColumn[]> {
  const found = new Map<string, ComparedColumn[]>();
  let left = '';
  let inside: ComparedColumn[] = [];
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

function idOf({ name }: ComparedColumn): string {
  return name.toLowerCase();
}
