/**
 * The command that shows the versions of a record. Pure.
 * @param values NULL and '' give the same `COL=`, which matches both
 */
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

/** A word quoted for a POSIX shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./…-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
