import { z } from 'zod';
import type { ConnectorDefinition } from '../connectors/connector.ts';
import { CHANGE_KINDS } from '../feeds/changes.ts';
import { limitKeys } from '../limits.ts';
import { duration } from './duration.ts';
import { fileFreshness, sourceFreshness } from './freshness.ts';
import { maxMisfitsKey } from './misfits.ts';

/**
 * The one definition of `warehouse.yaml`: what is checked, and what the JSON Schema for editors is made of.
 * Messages read on from "must"; `problems.ts` adds what the value is.
 */

/** Names of sources and groups: they become names of schemas. */
const IDENTIFIER = /^[a-z_][a-z0-9_]*$/;
const A_NAME = 'must be a name of a to z, 0 to 9 and _, not beginning with a digit';

/** Schemas that are the program's own or DuckDB's, so that no group can be called like them. */
const NOT_RESERVED = /^(?!staging_|(?:ops|undo|marts|main|temp|system|information_schema|pg_catalog)$)/;

/** What DuckDB understands, from megabytes up: less than that runs nothing, and 0 stops every statement. */
const MEMORY = /^[1-9]\d*(?:\.\d+)? ?[MmGgTt][Ii]?[Bb]$/;
const A_SIZE = 'must be a size such as 512MB, 1GB or 1.5GiB';

const text = z.string().min(1);

/** The mode of a file, with which its owner can read and write it. */
const MODE = /^0?6[046][046]$/;
const A_MODE = 'must be a mode in quotes, such as "0600", "0640" or "0644"';
const mode = z.string(A_MODE).regex(MODE, A_MODE);

/** `*`, SOURCE, SOURCE.FEED or SOURCE.FEED.COLUMN. */
const SELECTOR = /^[^.]+(\.[^.]+){0,2}$/;
const actions = z.strictObject(
  Object.fromEntries(CHANGE_KINDS.map((kind) => [kind, z.enum(['apply', 'hold', 'ignore']).optional()])),
);

/** The keys of the file itself. `sources` is checked source by source, with {@link sourceKeys}. */
export const rootKeys = z.strictObject({
  company: text.optional().describe('Your company, as ASAPP writes it; part of the name of its S3 bucket.'),
  environment: text
    .optional()
    .describe("ASAPP's environment, such as prod or preprod; part of the name of its S3 bucket."),
  warehouse: text
    .default('./warehouse.duckdb')
    .describe("The loader's own DuckDB file. Relative paths start at this file's folder."),
  publish: text
    .default('./published/warehouse.duckdb')
    .describe('The DuckDB file that analysts open, replaced whole after each successful run.'),
  landing: text
    .optional()
    .describe(
      'The folder that fetched files are kept in until staged. Left out: landing, beside the warehouse.',
    ),
  look_back_days: z
    .int()
    .min(0)
    .max(36_500)
    .default(7)
    .describe('How many days before the newest loaded partition of each feed to look for late ones.'),
  full_listing: duration
    .default('1d')
    .describe(
      'How often everything a source holds is listed, and not only the look-back: what comes late is found at that ' +
        'time at the latest. Each feed has its turn at another time. 0s: each run lists everything.',
    ),
  freshness: fileFreshness
    .optional()
    .describe(
      'How old the newest partition of a feed may be: past warn_after status says due, past error_after it is late and the ' +
        'exit code 3. Left out: by how often the feed comes. feeds: rules of their own, by name. off: nobody is told.',
    ),
  max_rejected_rows: z
    .int()
    .min(0)
    .default(0)
    .describe('More unresolved rejected rows than this in a run make its exit code 3.'),
  max_misfits: maxMisfitsKey
    .optional()
    .describe(
      'More values than this that do not fit their column make the exit code 3: a number, or a share of the rows of a feed ' +
        'such as 0.1%. Left out: 100 or 0.1%, whichever is more. In columns of a key or an ordering, one is enough.',
    ),
  memory_limit: z
    .string(A_SIZE)
    .regex(MEMORY, A_SIZE)
    .optional()
    .describe("DuckDB's memory limit, such as 1GB. Left out: what DuckDB chooses."),
  threads: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe(
      'How many threads DuckDB uses. Left out: one for each core, and one alone for a small warehouse.',
    ),
  limits: limitKeys
    .optional()
    .describe('What keeps odd input from taking all memory, disk or time; sizes are written as 64MiB.'),
  models: text.optional().describe('Your own folder of models, laid out as SCHEMA/NAME.sql.'),
  allow_files: z
    .array(text)
    .optional()
    .describe(
      'Folders and files of this machine that models may read, such as ./seeds. Left out: none but the feeds.',
    ),
  file_mode: mode
    .default('0600')
    .describe(
      'Who may read and write the files that the loader makes: warehouse, landing, logs. Folders follow. Those that are there keep theirs.',
    ),
  publish_mode: mode
    .default('0600')
    .describe(
      'The same of the copy for analysts and its folder, when they are first made: "0640" lets the group read it.',
    ),
  vars: z.record(z.string(), z.unknown()).default({}).describe('What var() gives in models, by name.'),
  policy: z
    .record(
      z
        .string()
        .regex(SELECTOR, 'must be *, or SOURCE, SOURCE.FEED or SOURCE.FEED.COLUMN, each of which may be *'),
      actions,
    )
    .default({})
    .describe(
      'What is done with changes of the schema, by kind: apply, hold or ignore; for all (*), a source, a feed or a column.',
    ),
  sources: z
    .record(z.string().regex(IDENTIFIER, A_NAME), z.unknown())
    .refine((sources) => Object.keys(sources).length > 0, 'must name at least one source')
    .meta({ minProperties: 1, description: 'The places that feeds come from, by a name of your choice.' }),
});

/** How files that end in `.enc` are decrypted. */
const decrypt = z
  .strictObject({
    openpgp: z
      .strictObject({
        private_key: text
          .refine((path) => !path.includes('-----BEGIN'), 'must be the path of a file, not the key itself')
          .describe(
            'The file with the private key, as gpg --export-secret-keys writes it. Relative to the folder of warehouse.yaml; ~/ is your home.',
          ),
        passphrase: text.optional().describe('What opens the private key, where it is protected.'),
      })
      .optional()
      .describe('Decrypts OpenPGP messages here, with a private key.'),
    command: z
      .array(text, 'must be a list of a program and its arguments, such as [gpg, --batch, --decrypt]')
      .min(1)
      .optional()
      .describe(
        'A program and its arguments, run without a shell in the folder of warehouse.yaml: it reads the encrypted file from ' +
          'stdin and writes the plain one to stdout.',
      ),
  })
  .refine(
    ({ openpgp, command }) => (openpgp === undefined) !== (command === undefined),
    'must hold either openpgp or command',
  )
  .meta({ minProperties: 1, maxProperties: 1 });

/** The keys of every source, whatever its connector. */
const commonKeys = {
  group: z
    .string()
    .regex(IDENTIFIER, A_NAME)
    .regex(
      NOT_RESERVED,
      'must not be a schema with another use (ops, undo, marts, main, temp, system, staging_…)',
    )
    .optional()
    .describe(
      'The family of feeds it delivers; names the schemas of their tables. Left out: the name of the source where ' +
        'that is a known group, else what is usual for the connector.',
    ),
  feeds: z
    .array(z.string().regex(/^[^/=]+$/, 'must be the name of a feed, without / and ='))
    .min(1)
    .refine((feeds) => new Set(feeds).size === feeds.length, 'must not name a feed twice')
    .meta({ uniqueItems: true })
    .optional()
    .describe('The feeds to load. Left out: every feed found.'),
  export_docs: text
    .optional()
    .describe(
      "The schema document, or the folder it lies in, relative to the source's root. Left out: export_docs.yaml (.yml, .json, " +
        '.gz) wherever one is found.',
    ),
  precedence: z
    .int()
    .min(-1000)
    .max(1000)
    .optional()
    .describe(
      'Which source is right where two deliver one partition of a feed with different contents: the higher one. Left out: 0; ' +
        'of two that are equal, the one that is listed first.',
    ),
  freshness: sourceFreshness
    .optional()
    .describe(
      'As freshness of the file, for the feeds of this source. off: an archive, to which nothing is added.',
    ),
  full_listing: duration
    .optional()
    .describe('As full_listing of the file, for this source. Left out: that, but 7d for file-exporter.'),
  ignore: z
    .array(text)
    .min(1)
    .optional()
    .describe(
      "Files and folders that do not follow the vendor's layout and that nobody need be told of, as patterns of paths " +
        "relative to the source's root: lost+found/**, **/*.csv. What follows the layout is loaded all the same.",
    ),
  decrypt: decrypt.optional().describe('How files that end in .enc are decrypted. Left out: not at all.'),
};

/** The keys of a source of one connector. */
export function sourceKeys(connector: ConnectorDefinition) {
  return z.strictObject({
    connector: z.literal(connector.name).describe('The kind of place that the feeds lie in.'),
    ...commonKeys,
    ...connector.keys.shape,
  });
}
