import picomatch from 'picomatch';

/**
 * Whether the configuration says that a path may break the vendor's conventions without anybody being told. Pure.
 * @param patterns as `ignore` of a source has them: `lost+found/**`
 * @returns of a path relative to the source's root; a folder has a slash at its end
 */
export function ignoring(patterns: readonly string[] | undefined): (path: string) => boolean {
  if (patterns === undefined || patterns.length === 0) return () => false;
  // Names that begin with a dot are names like others; `!` and `+(` are characters that names have.
  const matches = picomatch([...patterns], { dot: true, noextglob: true, nonegate: true });
  return (path) => matches(path.replace(/\/$/, ''));
}
