import { z } from 'zod';
import { isProtected } from './address.ts';
import { type ConnectorDefinition, serverOf } from './connector.ts';
import type { S3Options } from './s3/options.ts';

const keys = z.object({
  bucket: z
    .string()
    .min(1)
    .optional()
    .describe('The bucket. Left out: asapp-{environment}-{company}-exports-{region}.'),
  region: z.string().min(1).default('us-east-1').describe('The AWS region of the bucket.'),
  prefix: z.string().default('').describe('The folder in the bucket below which the feeds lie.'),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('The URL of an S3-compatible server. Left out: AWS.'),
  access_key_id: z
    .string()
    .min(1)
    .optional()
    .describe('Left out: the standard AWS chain (environment, profiles, SSO, roles).'),
  secret_access_key: z.string().min(1).optional().describe('Goes with access_key_id.'),
});

/** Feeds in an S3 bucket, at AWS or on a server that speaks S3. */
export const s3: ConnectorDefinition<z.infer<typeof keys>, S3Options> = {
  name: 's3',
  keys,
  defaultGroup: 'messaging',
  secrets: ['access_key_id', 'secret_access_key'],
  resolve: (input, { company, environment }) => {
    const { region, endpoint, access_key_id, secret_access_key } = input;
    const problems: { key: string; message: string }[] = [];
    const bucket = input.bucket ?? bucketName(company, environment, region);
    if (bucket === undefined) {
      const missing = Object.entries({ company, environment }).flatMap(([key, value]) =>
        value ? [] : [key],
      );
      const message = `is left out, and cannot be made from company, environment and region without ${missing.join(' and ')}`;
      problems.push({ key: 'bucket', message });
    } else if (input.bucket === undefined && !BUCKET.test(bucket)) {
      const message = `is left out, and what company, environment and region make, ${JSON.stringify(bucket)}, is no bucket's name`;
      problems.push({ key: 'bucket', message });
    }
    if (access_key_id !== undefined && secret_access_key === undefined)
      problems.push({ key: 'secret_access_key', message: 'is missing: access_key_id needs it' });
    if (secret_access_key !== undefined && access_key_id === undefined)
      problems.push({ key: 'access_key_id', message: 'is missing: secret_access_key needs it' });
    if (bucket === undefined || problems.length > 0) return { problems };
    const folders = input.prefix.replace(/^\/+|\/+$/g, '');
    return {
      bucket,
      region,
      prefix: folders === '' ? '' : `${folders}/`,
      endpoint,
      credentials:
        access_key_id !== undefined && secret_access_key !== undefined
          ? { accessKeyId: access_key_id, secretAccessKey: secret_access_key }
          : undefined,
    };
  },
  open: async (options, bounds) => (await import('./s3/bucket.ts')).openBucket(options, bounds),
  warnings: ({ endpoint }) => (endpoint === undefined ? [] : plainHttp(endpoint)),
  server: ({ endpoint, region }) => serverOf(endpoint ?? `https://s3.${region}.amazonaws.com`),
};

/**
 * A warning about plain http. It is not refused, since such servers are used in private networks, where they have no
 * certificate. It is only shown by each run and by `debug`, and is no attention item, since nothing is wrong with what
 * is loaded.
 */
function plainHttp(endpoint: string): string[] {
  const url = new URL(endpoint);
  if (isProtected(url)) return [];
  return [`${url.host} is asked over plain http: whoever is on the way can read and change what it sends`];
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** The vendor's naming of export buckets (guide "Retrieving data from S3"). */
function bucketName(company: string | undefined, environment: string | undefined, region: string) {
  return company && environment ? `asapp-${environment}-${company}-exports-${region}` : undefined;
}
