import { z } from 'zod';
import { isProtected } from './address.ts';
import { type ConnectorDefinition, serverOf } from './connector.ts';
import type { Options } from './file-exporter/connector.ts';

/** What an HTTP header can carry. */
const inHeader = z.string().regex(/^[\x21-\x7e]+$/, 'must be plain ASCII without blanks');

const keys = z.object({
  base_url: z
    .string()
    .refine(isBaseUrl, 'must be an https address, such as https://api.asapp.com')
    .describe(
      'Where the API is: https://api.asapp.com for production, https://api.sandbox.asapp.com for the sandbox.',
    ),
  api_id: inHeader.describe('The API id that ASAPP issued.'),
  api_secret: inHeader.describe('The API secret that ASAPP issued with it.'),
  requests_per_second: z
    .number()
    .positive()
    .max(100)
    .default(20)
    .describe('At most so many requests leave in a second. ASAPP refuses more than 100.'),
});

/** ASAPP's File Exporter API, which delivers the feeds of AI services. */
export const fileExporter: ConnectorDefinition<z.output<typeof keys>, Options> = {
  name: 'file-exporter',
  keys,
  defaultGroup: 'ai_services',
  secrets: ['api_id', 'api_secret'],
  // Each file costs two requests, where one to S3 lists a thousand.
  fullListing: '7d',
  // At 02:00 UTC, whatever a feed's own cadence.
  deliveryMinutes: 1440,
  resolve({ base_url, api_id, api_secret, requests_per_second }) {
    const { username, password } = new URL(base_url);
    if (username || password)
      return { problems: [{ key: 'base_url', message: 'must not hold a user or a password' }] };
    return {
      baseUrl: base_url.replace(/\/+$/, ''),
      apiId: api_id,
      apiSecret: api_secret,
      requestsPerSecond: requests_per_second,
    };
  },
  async open(options, bounds) {
    const { FileExporter } = await import('./file-exporter/connector.ts');
    return new FileExporter(options, bounds);
  },
  server: ({ baseUrl }) => serverOf(baseUrl),
  health: async (options) => (await import('./file-exporter/connector.ts')).health(options),
};

/** Whether an address uses https, or leads to this machine, and has no query or fragment. */
function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text) || /[?#]/.test(text)) return false;
  return isProtected(new URL(text));
}
