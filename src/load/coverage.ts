/**
 * What of a source has been looked at, as far as telling needs it that something is no longer there: a path that a
 * listing covers and does not show is gone. Pure.
 */
export class Coverage {
  readonly #levels = new Map<string, ReadonlySet<string>>();
  readonly #trees: { folder: string; from: string | undefined }[] = [];

  /** One level of a folder was listed to its end. @param folders the folders in it */
  level(folder: string, folders: Iterable<string>): void {
    this.#levels.set(folder, new Set(folders));
  }

  /** Everything below a folder was listed to its end. @param from but for its children whose names sort before this */
  tree(folder: string, from?: string): void {
    this.#trees.push({ folder, from });
  }

  /** @param path of a file, or of a folder with a slash at its end */
  covers(path: string): boolean {
    for (const [folder, folders] of this.#levels) {
      const child = childOf(folder, path);
      // What lies in a folder that is there was not looked at here, unless it is that folder itself.
      if (child !== undefined && (!folders.has(child) || path === below(folder, `${child}/`))) return true;
    }
    return this.#trees.some(({ folder, from }) => {
      const child = childOf(folder, path);
      return child !== undefined && (from === undefined || child >= from);
    });
  }
}

function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** The name in `folder` that leads to `path`; undefined when none does. */
function childOf(folder: string, path: string): string | undefined {
  const start = folder === '' ? '' : `${folder}/`;
  return path.startsWith(start) && path !== start ? path.slice(start.length).split('/', 1)[0] : undefined;
}
