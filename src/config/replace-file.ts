import { open, realpath, rename, rm } from 'node:fs/promises';

/**
 * Writes a file whole: whoever looks sees the old text or the new one, whatever happens meanwhile.
 * @param mode who may do what with it, whoever could before
 */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  // A link stays one: what it leads to is replaced.
  const target = await realpath(path).catch(() => path);
  const temporary = `${target}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  try {
    await using handle = await open(temporary, 'wx', mode);
    // The mode that a file is made with is cut by the umask.
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await rename(temporary, target);
}
