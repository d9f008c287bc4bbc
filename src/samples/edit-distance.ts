/** Levenshtein's: how many letters to add, drop or change. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++)
      next.push(
        Math.min(
          (next[column - 1] as number) + 1,
          (row[column] as number) + 1,
          (row[column - 1] as number) + Number(letter !== to[column - 1]),
        ),
      );
    row = next;
  }
  return row.at(-1) as number;
}
