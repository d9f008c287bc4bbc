import { z } from 'zod';
import type { Connectors } from '../../src/config/config.ts';
import type { ParseContext } from '../../src/config/parse.ts';
import type { Connector, ConnectorDefinition } from '../../src/connectors/connector.ts';

const nowhere = () => Promise.reject<Connector>(new Error('not opened in these tests'));

const local: ConnectorDefinition<{ path: string }, { path: string }> = {
  name: 'local',
  keys: z.object({ path: z.string().min(1).describe('The folder that holds the feeds.') }),
  defaultGroup: 'messaging',
  secrets: [],
  resolve: ({ path }, { directory }) => ({ path: `${directory}|${path}` }),
  open: nowhere,
};

interface S3Keys {
  bucket?: string;
  region?: string;
  prefix: string;
  endpoint?: string;
  access_key_id?: string;
  secret_access_key?: string;
}

const s3: ConnectorDefinition<S3Keys, S3Keys> = {
  name: 's3',
  keys: z.object({
    bucket: z.string().optional().describe('The bucket.'),
    region: z.string().optional().describe('Its region.'),
    prefix: z.string().default('').describe('What comes before the feeds.'),
    endpoint: z.url().optional().describe('A compatible server.'),
    access_key_id: z.string().optional().describe('The key.'),
    secret_access_key: z.string().optional().describe('Its secret.'),
  }),
  defaultGroup: 'messaging',
  secrets: ['secret_access_key'],
  resolve(input, { company, environment }) {
    if (input.bucket !== undefined) return input;
    const missing = Object.entries({ company, environment }).filter(([, value]) => value === undefined);
    if (missing.length > 0)
      return {
        problems: [
          {
            key: 'bucket',
            message: `is missing; ${missing.map(([key]) => key).join(' and ')} would make it`,
          },
        ],
      };
    return { ...input, bucket: `asapp-${environment}-${company}-exports-${input.region}` };
  },
  open: nowhere,
};

interface SftpKeys {
  host: string;
  port: number;
  strict: boolean;
  passphrase?: string;
}

/** Has what the real `local` and `s3` lack: a number, a boolean, another default group. */
const sftp: ConnectorDefinition<SftpKeys, SftpKeys> = {
  name: 'sftp',
  keys: z.object({
    host: z.string().min(1).describe('The server.'),
    port: z.int().min(1).max(65_535).default(22).describe('Its port.'),
    strict: z.boolean().default(true).describe('Whether an unknown host key is an error.'),
    passphrase: z.string().optional().describe('Of the private key.'),
  }),
  defaultGroup: 'ai_services',
  secrets: ['passphrase'],
  resolve: (input) => input,
  open: nowhere,
};

/** Small connectors to configure; none can be opened. */
export const fakes: Connectors = { local, s3, sftp };

/** What the tests parse against: `/etl/warehouse.yaml`, nothing in the environment. */
export const context: ParseContext = {
  file: 'warehouse.yaml',
  absoluteFile: '/etl/warehouse.yaml',
  home: '/home/ann',
  env: {},
  connectors: fakes,
  knownGroups: ['messaging', 'ai_services'],
};
