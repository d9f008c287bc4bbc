/** What to type to see the versions of a record. Pure. @param values NULL and '' are written alike: `COL=` finds both */
export function whyCommand(
  model: string,
  key: readonly string[],
  values: readonly (string | null | undefined)[],
): string {
  const conditions = key.map((column, index) => {
    const value = values[index];
    return quoted(`${column}=${value === undefined ? '…' : (value ?? '')}`);
  });
  return ['asapp-warehouse why', model, ...conditions].join(' ');
}

/** A word as a POSIX shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./…-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
