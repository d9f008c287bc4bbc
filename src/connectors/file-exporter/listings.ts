import { pMapIterable } from 'p-map';
import type { Api, Listable, Parameters } from './api.ts';
import { dateFolder, formatFolder, intervalFolder, versionFolder } from './spelling.ts';

/** A file as the API knows it. */
export interface Found {
  /** In the vendor's layout. */
  path: string;
  /** What to ask for it with. */
  parameters: Parameters;
}

/** What lies below a folder of that many names, and the folder that an answered value is for us. */
const LEVELS: readonly { what: Listable; folder: (value: string) => string }[] = [
  { what: 'feeds', folder: (feed) => feed },
  { what: 'versions', folder: versionFolder },
  { what: 'formats', folder: formatFolder },
  { what: 'dates', folder: dateFolder },
  { what: 'intervals', folder: intervalFolder },
];
const FORMAT = 3;
const DATE = 4;

/** An answer of a list endpoint: our folder names, in order, each with the API's own spelling. */
type Spellings = ReadonlyMap<string, string>;

/** Answers that are kept to look spellings up in; an older one is asked for again when it is needed. */
const KEPT_ANSWERS = 1000;

/** Days whose intervals and files are asked for at once. */
const DAYS_AT_ONCE = 4;

/**
 * Shows the API's parameters as a tree of folders in the vendor's layout, and finds the way back from a path to the
 * parameters as they were spelled.
 */
export class Listings {
  readonly #api: Api;
  /** By folder; the least recently used first. */
  readonly #answers = new Map<string, Promise<Spellings>>();

  constructor(api: Api) {
    this.#api = api;
  }

  /** What lies in a folder, one level deep, in order. */
  async children(folder: string): Promise<{ folders: string[]; files: Found[] }> {
    const names = split(folder);
    if (names.length < DATE) return { folders: [...(await this.#ask(folder)).keys()], files: [] };
    const folders = new Set<string>();
    const files: Found[] = [];
    for (const interval of await this.#intervals(folder)) {
      if (interval.path === folder) files.push(...(await this.#filesIn(interval)));
      else folders.add(childOf(folder, interval.path));
    }
    return { folders: [...folders], files };
  }

  /** Every file below a folder, in order, leaving out its children before `from` without asking about them. */
  async *files(folder: string, from = ''): AsyncGenerator<Found> {
    const names = split(folder);
    if (names.length > FORMAT) {
      yield* await this.#filesBelow(folder, from);
      return;
    }
    const below = [...(await this.#ask(folder)).keys()]
      .filter((name) => name >= from)
      .map((name) => (folder === '' ? name : `${folder}/${name}`));
    if (names.length === FORMAT) {
      const days = pMapIterable(below, (day) => this.#filesBelow(day), { concurrency: DAYS_AT_ONCE });
      for await (const files of days) yield* files;
    } else {
      for (const child of below) yield* this.files(child);
    }
  }

  /**
   * What to ask for a file or a folder with. Asks the API again where the spelling of a part is not remembered.
   * @returns undefined when the API no longer lists it
   */
  async parametersOf(folder: string, fileName?: string): Promise<Parameters | undefined> {
    const [feed, version, format, date, ...interval] = split(folder);
    const parameters: Parameters = {};
    if (feed !== undefined) parameters.feed = feed;
    let at = feed ?? '';
    for (const [key, name] of Object.entries({ version, format, date, interval: interval.join('/') })) {
      if (!name) break;
      const spelling = await this.#spelling(at, name);
      if (spelling === undefined) return undefined;
      parameters[key as keyof Parameters] = spelling;
      at += `/${name}`;
    }
    if (fileName !== undefined) parameters.fileName = fileName;
    return parameters;
  }

  /** @param folder of a date, or below one */
  async #filesBelow(folder: string, from = ''): Promise<Found[]> {
    const found: Found[] = [];
    for (const interval of await this.#intervals(folder)) {
      if (interval.path === folder) {
        found.push(...(await this.#filesIn(interval)).filter(({ path }) => childOf(folder, path) >= from));
      } else if (childOf(folder, interval.path) >= from) {
        found.push(...(await this.#filesIn(interval)));
      }
    }
    return found;
  }

  /**
   * The folders that hold files, at or below that of a date or an hour: those of its intervals, or itself for a feed
   * that has none.
   */
  async #intervals(folder: string): Promise<Found[]> {
    const names = split(folder);
    const date = names.slice(0, DATE).join('/');
    const parameters = await this.parametersOf(date);
    if (!parameters) return [];
    const spellings = await this.#ask(date);
    if (spellings.size === 0) return names.length === DATE ? [{ path: date, parameters }] : [];
    return [...spellings]
      .map(([name, interval]) => ({ path: `${date}/${name}`, parameters: { ...parameters, interval } }))
      .filter(({ path }) => path === folder || path.startsWith(`${folder}/`));
  }

  async #filesIn({ path, parameters }: Found): Promise<Found[]> {
    const names = (await this.#api.list('files', parameters)).sort();
    return names.map((fileName) => ({
      path: `${path}/${fileName}`,
      parameters: { ...parameters, fileName },
    }));
  }

  /** Asks what lies below a folder, now. */
  #ask(folder: string): Promise<Spellings> {
    const answer = this.#askNow(folder);
    this.#keep(folder, answer);
    answer.catch(() => this.#answers.delete(folder));
    return answer;
  }

  async #askNow(folder: string): Promise<Spellings> {
    const level = LEVELS[split(folder).length];
    const parameters = await this.parametersOf(folder);
    if (!level || !parameters) return new Map();
    const values = await this.#api.list(level.what, parameters);
    const spellings = values.map((value) => [level.folder(value), value] as const);
    return new Map(spellings.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async #spelling(folder: string, name: string): Promise<string | undefined> {
    const kept = this.#answers.get(folder);
    if (kept) {
      this.#keep(folder, kept);
      const spelling = (await kept).get(name);
      if (spelling !== undefined) return spelling;
    }
    return (await this.#ask(folder)).get(name);
  }

  #keep(folder: string, answer: Promise<Spellings>): void {
    this.#answers.delete(folder);
    this.#answers.set(folder, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > KEPT_ANSWERS && oldest !== undefined) this.#answers.delete(oldest);
  }
}

function split(folder: string): string[] {
  return folder === '' ? [] : folder.split('/');
}

/** The name in `folder` that leads to `path`. */
function childOf(folder: string, path: string): string {
  const below = path.slice(folder.length + 1);
  return below.slice(0, `${below}/`.indexOf('/'));
}
