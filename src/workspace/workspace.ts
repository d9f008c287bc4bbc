import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { type Corrections, readCorrections } from '../config/corrections.ts';
import { bundledSchemas } from '../feeds/bundled.ts';
import { type Catalogue, loadCatalogue } from '../feeds/catalogue.ts';
import { INSTALLATION } from '../installation.ts';
import { currentCatalogue } from '../ledger/catalogue.ts';
import { migrate } from '../ledger/migrations.ts';
import { finishNumbering } from '../ledger/numbering.ts';
import { recordSources } from '../ledger/sources.ts';
import { redactor } from '../redact.ts';
import type { Reporter } from '../reporter.ts';
import { Timings } from '../timings.ts';
import type { FileAccess } from '../warehouse/file-access.ts';
import { PRIVATE_MODE, umaskOf } from '../warehouse/file-modes.ts';
import type { Session } from '../warehouse/session.ts';
import { Warehouse } from '../warehouse/warehouse.ts';
import { copyFiles } from './copy-files.ts';
import { exposures } from './exposure.ts';
import { sweepLanding } from './landing-folder.ts';

/** The models that come with the program. */
export const BUNDLED_MODELS = join(INSTALLATION, 'models');

/** What every command that works on the warehouse has open while it runs. */
export interface Workspace extends AsyncDisposable {
  config: Config;
  catalogue: Catalogue;
  /** What takes the place of what is published: the program's corrections, and the user's own. */
  corrections: Corrections;
  /** The session that writes. */
  session: Session;
  /** One more, for reading while the other is in a transaction. */
  reader: Session;
  /** Yet another, for what is done at the same time. */
  connect(): Promise<Session>;
  reporter: Reporter;
  clock: () => Date;
  /** Where the time of what is done with it goes. */
  timings: Timings;
  /** Takes the secrets out of a message that is to be kept. */
  redact: (text: string) => string;
  signal?: AbortSignal;
}

export interface WorkspaceOptions {
  reporter: Reporter;
  clock: () => Date;
  signal?: AbortSignal;
  /** Nothing is to be changed: a warehouse that is not there yet is one that is empty. */
  dryRun?: boolean;
}

/** What the loader's SQL reads and writes beside its own file: what is staged, what is published, and what models may read. */
function reachOf({ landing, publish, sources, allowFiles = [] }: Config): FileAccess {
  const delivered = sources.flatMap(({ folder }) => folder ?? []);
  return {
    folders: [landing, ...delivered, ...allowFiles],
    files: [...copyFiles(publish), ...allowFiles],
  };
}

/**
 * Opens the loader's own warehouse, brings its ledger up to date, and finishes what a killed run left.
 * @throws BusyError when another run holds it
 */
export async function openWorkspace(config: Config, options: WorkspaceOptions): Promise<Workspace> {
  const { dryRun, reporter, clock, signal } = options;
  const own = await readCorrections(config.directory);
  const { documents } = await bundledSchemas();
  const bundled = loadCatalogue(documents, own.overrides);
  const absent = dryRun && !existsSync(config.warehouse);
  // From here on the process makes files and folders for the user that it runs as, or for whom `file_mode` says.
  if (!dryRun) process.umask(umaskOf(config.fileMode ?? PRIVATE_MODE));
  const warehouse = await Warehouse.open(absent ? ':memory:' : config.warehouse, {
    readOnly: dryRun === true && !absent,
    memoryLimit: config.memoryLimit,
    threads: config.threads,
    // What models read besides may be large.
    oneWhereSmall: !config.allowFiles?.length,
    fileAccess: reachOf(config),
    // `verify` ranks with other numbers of threads, in a file that it cannot write.
    settable: dryRun === true,
  });
  try {
    // The lock says that no other run is at work; whatever this command is for, what a killed one decrypted goes.
    if (!absent) await sweepLanding(config.landing, clock());
    const session = await warehouse.session();
    if (!dryRun) for (const { message, hint } of await exposures(config)) reporter.warn(message, { hint });
    if (!dryRun || absent) {
      await migrate(session, clock());
      await finishNumbering(session);
      await recordSources(session, config.sources);
    }
    const catalogue = await currentCatalogue(session, bundled, own.overrides);
    const reader = await warehouse.session();
    return {
      config,
      catalogue,
      corrections: own,
      session,
      reader,
      reporter,
      clock,
      timings: new Timings(),
      signal,
      redact: redactor(config.secrets),
      connect: () => warehouse.session(),
      [Symbol.asyncDispose]: () => warehouse[Symbol.asyncDispose](),
    };
  } catch (error) {
    await warehouse[Symbol.asyncDispose]();
    throw error;
  }
}
