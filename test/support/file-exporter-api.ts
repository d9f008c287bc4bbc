import type { FileExporterServer, Seen, Spelling } from './file-exporter-state.ts';
import { linkTo } from './file-exporter-storage.ts';

type Parameters = Record<string, string>;

/** A request that the API answers with an error. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string = MESSAGES[status] ?? 'Error') {
    super(message);
    this.status = status;
  }
}

/** The seven endpoints: what they must be told, what they may be told, and the key of their answer. */
const ENDPOINTS: Record<string, { required: string[]; optional: string[]; answer: string }> = {
  listfeeds: { required: [], optional: [], answer: 'feeds' },
  listfeedversions: { required: ['feed'], optional: [], answer: 'versions' },
  listfeedformats: { required: ['feed', 'version'], optional: [], answer: 'formats' },
  listfeeddates: { required: ['feed', 'version', 'format'], optional: [], answer: 'dates' },
  listfeedintervals: { required: ['feed', 'version', 'format', 'date'], optional: [], answer: 'intervals' },
  listfeedfiles: { required: ['feed', 'version', 'format', 'date'], optional: ['interval'], answer: 'files' },
  getfeedfile: {
    required: ['feed', 'version', 'format', 'date', 'fileName'],
    optional: ['interval'],
    answer: 'url',
  },
};
const API = '/fileexporter/v1/static/';
const MESSAGES: Record<number, string> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden Response',
  404: 'Not Found',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
};

/**
 * Checks a request against the API's description and answers it.
 * @throws Refusal
 */
export function answerApi(exporter: FileExporterServer, { method, path, headers, body }: Seen): unknown {
  if (headers['asapp-api-id'] !== exporter.apiId || headers['asapp-api-secret'] !== exporter.apiSecret)
    throw new Refusal(401);
  if (path === '/v1/health' && method === 'GET') return { healthCheck: exporter.health };
  const endpoint = path.startsWith(API) ? path.slice(API.length) : '';
  const facts = ENDPOINTS[endpoint];
  if (!facts) throw new Refusal(404, `no endpoint ${path}`);
  if (method !== 'POST') throw new Refusal(400, `${method} ${endpoint}`);
  if (endpoint === 'listfeeds') {
    if (body !== '') throw new Refusal(400, 'listfeeds takes no body');
    return { feeds: distinct([...exporter.files.keys()].map((file) => file.split('/')[0])) };
  }
  if (headers['content-type'] !== 'application/json') throw new Refusal(400, 'not application/json');
  const parameters = checked(endpoint, facts, body);
  const folder = folderOf(parameters, exporter.spelling);
  if (endpoint === 'getfeedfile') {
    const file = `${folder}/${parameters.fileName}`;
    if (!exporter.files.has(file)) throw new Refusal(404);
    return { ...parameters, url: exporter.writeLink(linkTo(file, exporter)) };
  }
  return { ...parameters, [facts.answer]: listed(exporter, folder, facts.answer) };
}

/** The parameters in a body, all that are needed and none that are unknown. */
function checked(
  endpoint: string,
  facts: { required: string[]; optional: string[] },
  body: string,
): Parameters {
  let parameters: unknown;
  try {
    parameters = JSON.parse(body);
  } catch {
    throw new Refusal(400, 'not JSON');
  }
  if (typeof parameters !== 'object' || parameters === null) throw new Refusal(400, 'not an object');
  for (const name of facts.required)
    if (!(name in parameters)) throw new Refusal(400, `${endpoint} without ${name}`);
  for (const [name, value] of Object.entries(parameters)) {
    if (![...facts.required, ...facts.optional].includes(name))
      throw new Refusal(400, `${endpoint} knows no ${name}`);
    if (typeof value !== 'string') throw new Refusal(400, `${name} is no string`);
  }
  return parameters as Parameters;
}

/** What lies in a folder, in no order, as in the description's own examples. */
function listed(exporter: FileExporterServer, folder: string, what: string): string[] {
  const below = [...exporter.files.keys()].filter((path) => path.startsWith(`${folder}/`));
  if (below.length === 0) throw new Refusal(404);
  const depth = folder.split('/').length;
  const values = below.map((path) => {
    const names = path.split('/');
    const isHere = names.length === depth + 1;
    if (what === 'files') return isHere ? names.at(-1) : undefined;
    if (what === 'intervals')
      return isHere ? undefined : spelled(names.slice(0, -1).join('/'), exporter.spelling).interval;
    return Object.values(spelled(names.slice(0, depth + 1).join('/'), exporter.spelling)).at(-1);
  });
  return distinct(values).reverse();
}

/** The folder names of a path as the API writes them. */
function spelled(path: string, spelling: Spelling): Parameters {
  const [feed = '', version, format, date, ...rest] = path.split('/');
  const write = (how: 'bare' | 'keyed', folder: string) =>
    how === 'keyed' ? folder : folder.replace(/(^|\/)[a-z]+=/g, '$1');
  return {
    feed,
    ...(version && { version: write(spelling.version, version) }),
    ...(format && { format: write(spelling.format, format) }),
    ...(date && { date: write(spelling.date, date) }),
    ...(rest.length > 0 && { interval: write(spelling.interval, rest.join('/')) }),
  };
}

/** The folder that the parameters mean, provided they are spelled as the API spells them. */
function folderOf({ feed = '', version, format, date, interval }: Parameters, spelling: Spelling): string {
  const keyed = (key: string, value: string) => (value.startsWith(`${key}=`) ? value : `${key}=${value}`);
  const folder = [
    feed,
    ...(version === undefined ? [] : [keyed('version', version)]),
    ...(format === undefined ? [] : [keyed('format', format)]),
    ...(date === undefined ? [] : [keyed('dt', date)]),
    ...(interval?.split('/').map((part, index) => keyed(index === 0 ? 'hr' : 'mi', part)) ?? []),
  ].join('/');
  const answered = spelled(folder, spelling);
  for (const [name, value] of Object.entries({ version, format, date, interval }))
    if (value !== answered[name])
      throw new Refusal(422, `${name} ${value} was answered as ${answered[name]}`);
  return folder;
}

function distinct(values: (string | undefined)[]): string[] {
  return [...new Set(values)].filter((value) => value !== undefined);
}
