import { chmod } from 'node:fs/promises';

/** `nobody`, on Linux and macOS alike a user without rights of its own. */
const NOBODY = 65_534;

/**
 * Does some work as a user whom permissions bind: root may read and write everything, and CI is often root.
 * @param folder a temporary folder that the user may come through
 */
export async function asOrdinaryUser<T>(folder: string, work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  await chmod(folder, 0o755);
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
