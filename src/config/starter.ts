// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of warehouse.yaml, not of this file

import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The text of a starter `warehouse.yaml`.
 * @param demo reads the sample feeds that `asapp-warehouse init --demo` writes beside it
 * @param schema where editors find the JSON Schema, see {@link schemaReference}; left out: it is not named
 */
export function starterConfig({ demo, schema }: { demo: boolean; schema?: string }): string {
  const named = schema === undefined ? [] : [`# yaml-language-server: $schema=${schema}`, ''];
  return [...named, ...(demo ? DEMO : STARTER), ''].join('\n');
}

/**
 * How a configuration refers to the JSON Schema that comes with the program. Pure. If the program is installed in the
 * project, by a relative path, which works for everybody who has the project; if it is installed globally, by a URL.
 * @param folder the configuration's, absolute
 * @param root the folder of this package, absolute
 */
export function schemaReference(folder: string, root: string): string {
  const schema = join(root, 'schemas', 'warehouse.schema.json');
  const project = root.includes('/node_modules/') ? root.slice(0, root.lastIndexOf('/node_modules/')) : root;
  const isInside = `${folder}/`.startsWith(`${project}/`) && dirname(project) !== project;
  return isInside ? relative(folder, schema) : pathToFileURL(schema).href;
}

const FILES = [
  '# Relative paths start at the folder of this file.',
  "warehouse: ./warehouse.duckdb            # the loader's own file",
  'publish: ./published/warehouse.duckdb    # what analysts open',
];

const DEMO = [
  '# Loads the sample feeds beside this file: `asapp-warehouse run`, then `asapp-warehouse status`.',
  '',
  ...FILES,
  '',
  '# A line of the samples is broken on purpose. Up to this many rejected rows, a run still exits with 0.',
  'max_rejected_rows: 10',
  '',
  '# They end in January 2026. Without this, a run tells of feeds that stopped coming, and exits with 3.',
  'freshness: off',
  '',
  '# Each source is named like the group of feeds that it delivers, so `group:` can be left out.',
  'sources:',
  '  messaging:',
  '    connector: local',
  '    path: ./feeds/messaging',
  '  ai_services:',
  '    connector: local',
  '    path: ./feeds/ai_services',
];

const STARTER = [
  '# ${NAME} takes an environment variable, or a line of `.env` beside this file; ${NAME:-default} may be unset.',
  '# Write $${ for a literal ${.',
  '',
  "company: acme         # as ASAPP writes it; part of your bucket's name",
  'environment: prod',
  '',
  ...FILES,
  '',
  '# full_listing: 1d       # how often to list everything, for what comes later than that or changes',
  '# freshness: {error_after: 6h}   # how old a newest partition may be; left out: by how often its feed comes',
  '# max_rejected_rows: 0   # more rejected rows than this in a run make it exit with 3',
  "# look_back_days: 7      # how long before a feed's newest partition to look for late ones",
  "# memory_limit: 1GB      # left out: DuckDB's choice",
  '# models: ./models       # your own models: SCHEMA/NAME.sql',
  '',
  'sources:',
  '  messaging:',
  '    connector: s3',
  '    region: us-east-1',
  '    # bucket: asapp-prod-acme-exports-us-east-1   # left out: made from company, environment and region',
  '    # The keys that ASAPP gave you. Without these two lines: the standard AWS credential chain.',
  '    access_key_id: ${ASAPP_S3_KEY_ID}',
  '    secret_access_key: ${ASAPP_S3_SECRET}',
  '    # feeds: [convos_metrics, utterances]         # left out: every feed found',
  '    # Only where ASAPP encrypts the files (.enc): the key that they are encrypted for.',
  '    # decrypt: {openpgp: {private_key: ~/asapp.asc, passphrase: "${ASAPP_GPG_PASSPHRASE}"}}',
  '',
  '  # Other places that feeds can come from:',
  '',
  '  # messaging_sftp:',
  '  #   connector: sftp',
  '  #   host: prod-data-sftp.asapp.com',
  '  #   username: sftpacme',
  '  #   private_key: ~/.ssh/asapp',
  '  #   known_hosts: ~/.ssh/known_hosts',
  '',
  '  # ai_services:',
  '  #   connector: file-exporter',
  '  #   base_url: https://api.asapp.com',
  '  #   api_id: ${ASAPP_API_ID}',
  '  #   api_secret: ${ASAPP_API_SECRET}',
  '',
  '  # archive:',
  '  #   connector: local     # the same layout in a folder, or a mounted bucket',
  '  #   path: ./feeds',
  '  #   freshness: off       # an archive, to which nothing is added',
  '  #   group: messaging     # the tables it feeds; left out: the name of the source, where that is a known group',
];
