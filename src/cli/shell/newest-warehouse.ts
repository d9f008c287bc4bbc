import { stat } from 'node:fs/promises';
import { type ReadOnlyOptions, ReadOnlyWarehouse } from '../../audit/query/read-only-warehouse.ts';
import type { Config } from '../../config/config.ts';

/**
 * The warehouse that a shell queries. Each statement sees the newest copy: if the copy was replaced, it is opened
 * again. The loader's own file is only open during a statement, since a forgotten shell would otherwise block every
 * run.
 */
export class NewestWarehouse implements AsyncDisposable {
  readonly #config: Config;
  readonly #options: ReadOnlyOptions;
  #open: { readOnly: ReadOnlyWarehouse; file: string | undefined } | undefined;

  constructor(config: Config, options: ReadOnlyOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** Does something with the newest warehouse. */
  async with(work: (readOnly: ReadOnlyWarehouse) => Promise<void>): Promise<void> {
    try {
      await work(await this.#newest());
    } finally {
      if (this.#options.staging) await this[Symbol.asyncDispose]();
    }
  }

  /** Stops the statement that is running, if there is one. */
  interrupt(): void {
    this.#open?.readOnly.interrupt();
  }

  async #newest(): Promise<ReadOnlyWarehouse> {
    const { publish, warehouse } = this.#config;
    const file = await identity(this.#options.staging ? warehouse : publish);
    if (this.#open && this.#open.file === file) return this.#open.readOnly;
    await this[Symbol.asyncDispose]();
    this.#open = { readOnly: await ReadOnlyWarehouse.open(this.#config, this.#options), file };
    return this.#open.readOnly;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { readOnly } = this.#open ?? {};
    this.#open = undefined;
    await readOnly?.[Symbol.asyncDispose]();
  }
}

/** Identifies a file, so that its replacement is noticed. */
async function identity(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.dev} ${found.ino} ${found.mtimeNs}`;
}
