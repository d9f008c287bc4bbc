import type { ColumnDoc, FeedDoc } from '../../src/feeds/documents/document.ts';
import type { Random } from '../../src/samples/random.ts';
import { columnDoc, feedDoc } from './support.ts';

/**
 * A vendor whose feeds change from day to day, and whose documents say so sooner or later: what is sent, and what is
 * published, go apart by some days in either direction.
 */

/** How a type is spelled, and what its values are. Each value is another, so that it can be found again. */
interface Kind {
  spellings: readonly string[];
  value(number: number): unknown;
  /** Types that a column of this one may change to. */
  becomes: readonly string[];
}

const text = (number: number) => `s${number}`;
const instant = (number: number) =>
  new Date(Date.UTC(2026, 0, 1) + number * 61_000).toISOString().slice(0, 19).replace('T', ' ');

const KINDS: Readonly<Record<string, Kind>> = {
  small: { spellings: ['smallint', 'int2'], value: (number) => number % 30_000, becomes: ['int'] },
  int: {
    spellings: ['integer', 'int4', 'int(11)'],
    value: (number) => number,
    becomes: ['big', 'real', 'text'],
  },
  big: {
    spellings: ['bigint', 'int8', 'BIGINT(20)'],
    value: (number) => 5_000_000_000 + number,
    becomes: ['int', 'text'],
  },
  real: { spellings: ['double', 'float8'], value: (number) => number + 0.5, becomes: [] },
  text: { spellings: ['varchar(191)', 'varchar(255)', 'text'], value: text, becomes: ['big'] },
  day: { spellings: ['date'], value: (number) => instant(number).slice(0, 10), becomes: ['time'] },
  time: { spellings: ['timestamp', 'datetime'], value: instant, becomes: [] },
  flag: { spellings: ['boolean', 'tinyint(1)'], value: (number) => number % 2 === 0, becomes: [] },
};

interface VendorColumn {
  name: string;
  kind: string;
  /** What was sent before, while the data is behind the document or ahead of it. */
  sent: string | undefined;
  /** From which day on it is in the data and in the document, and until when. */
  inData: [from: number, until: number];
  inDocument: [from: number, until: number];
  pii: string;
  description: string;
}

interface VendorFeed {
  name: string;
  version: string;
  columns: VendorColumn[];
  key: string[];
  orderBy: string[];
  cadenceMinutes: number;
  description: string;
  deprecated: string | undefined;
  expectedEnd: string | undefined;
  actualEnd: string | undefined;
  inData: [from: number, until: number];
  inDocument: [from: number, until: number];
}

const ALWAYS = Number.POSITIVE_INFINITY;

/** What was sent, and where. */
export interface Sent {
  feed: string;
  version: string;
  /** The lines of one partition; one that is a text is broken. */
  lines: (Record<string, unknown> | string)[];
}

export class Vendor {
  readonly #random: Random;
  readonly #feeds: VendorFeed[] = [];
  #day = 0;
  #number = 0;
  #names = 0;
  /** Changes that are still to be made before one is made again. */
  #turns: number[] = [];

  constructor(random: Random) {
    this.#random = random;
    for (const name of ['calls', 'chats']) this.#addFeed(name, '1', [0, ALWAYS], [0, ALWAYS]);
  }

  /** One day goes by, with up to three changes in it. */
  next(): void {
    this.#day += 1;
    for (let count = this.#random.int(0, 3); count > 0; count -= 1) this.#change();
  }

  /** What is sent today. */
  sent(): Sent[] {
    return this.#feeds
      .filter(({ inData }) => this.#isOn(inData))
      .map((feed) => ({
        feed: feed.name,
        version: feed.version,
        lines: Array.from({ length: this.#random.int(1, 3) }, () => this.#line(feed)),
      }));
  }

  /** What is published today, in one spelling or another. */
  document(): FeedDoc[] {
    return this.#feeds
      .filter(({ inDocument }) => this.#isOn(inDocument))
      .map((feed) => {
        const columns = feed.columns
          .filter(({ inDocument }) => this.#isOn(inDocument))
          .map((column) => [column.name, this.#columnDoc(column)] as const);
        const { version, key, orderBy, cadenceMinutes, description } = feed;
        const { deprecated, expectedEnd, actualEnd } = feed;
        return feedDoc(feed.name, Object.fromEntries(columns), {
          version,
          orderBy,
          cadenceMinutes,
          description,
          deprecated,
          expectedEnd,
          actualEnd,
          key: this.#random.chance(0.5) ? key : key.toReversed(),
        });
      });
  }

  #isOn([from, until]: readonly [number, number]): boolean {
    return from <= this.#day && this.#day < until;
  }

  #columnDoc({ name, kind, pii, description }: VendorColumn): ColumnDoc {
    const { spellings } = KINDS[kind] as Kind;
    return columnDoc(name, this.#random.pick(spellings), { pii, description });
  }

  #line(feed: VendorFeed): Record<string, unknown> | string {
    const record: Record<string, unknown> = {};
    for (const column of feed.columns) {
      if (!this.#isOn(column.inData) || this.#random.chance(0.1)) continue;
      this.#number += 1;
      const kind = KINDS[column.sent ?? column.kind] as Kind;
      // A key is met again and again.
      const number = feed.key.includes(column.name) ? this.#random.int(1, 40) : this.#number;
      record[column.name] = this.#random.chance(0.05) ? null : kind.value(number);
    }
    return this.#random.chance(0.03) ? `${JSON.stringify(record).slice(0, -1)}` : record;
  }

  /** A change comes to the data and to the document on days of their own. */
  #days(): { data: number; document: number } {
    const lag = this.#random.int(-3, 3);
    return { data: this.#day + Math.max(0, lag), document: this.#day + Math.max(0, -lag) };
  }

  #change(): void {
    const random = this.#random;
    const feed = random.pick(this.#feeds);
    const column = random.pick(feed.columns);
    const { data, document } = this.#days();
    const changes: (() => unknown)[] = [
      () => this.#addColumn(feed, [data, ALWAYS], [document, ALWAYS]),
      () => this.#addColumn(feed, [data, ALWAYS], [document, ALWAYS]),
      () => this.#remove(feed, column, data, document),
      () => this.#rename(feed, column, data, document),
      () => this.#rename(feed, column, data, document),
      () =>
        this.#feeds.forEach((each) => {
          this.#comeBack(each);
        }),
      () => this.#retype(feed, column),
      () => this.#retype(feed, column),
      () => this.#narrow(),
      () => this.#settle(),
      () => Object.assign(column, { pii: 'yes' }),
      () => this.#clear(),
      () => Object.assign(column, { description: `What it is, as of day ${this.#day}.` }),
      () => Object.assign(feed, { cadenceMinutes: random.pick([15, 60, 1440]) }),
      () => Object.assign(feed, { deprecated: random.pick([undefined, '2026-06-01']) }),
      () => Object.assign(feed, { expectedEnd: random.pick([undefined, '2026-09-01']) }),
      () => Object.assign(feed, { actualEnd: random.pick([undefined, '2026-09-02']) }),
      () => this.#rekey(feed),
      () => this.#reorder(feed),
      () => this.#addVersion(feed, data, document),
      () => this.#addFeed(this.#name('feed'), '1', [data, ALWAYS], [document, ALWAYS]),
      () => Object.assign(feed, { inDocument: [feed.inDocument[0], this.#day + random.int(1, 5)] }),
      () => Object.assign(feed, { inDocument: [feed.inDocument[0], ALWAYS] }),
    ];
    // Each in its turn, in an order of chance: what is rare must not be missing.
    if (this.#turns.length === 0) this.#turns = changes.map((_, index) => index);
    const turn = random.int(0, this.#turns.length - 1);
    changes[this.#turns.splice(turn, 1)[0] as number]?.();
  }

  #name(what: string): string {
    this.#names += 1;
    return `${what}_${this.#names}`;
  }

  #addFeed(
    name: string,
    version: string,
    inData: VendorFeed['inData'],
    inDocument: VendorFeed['inData'],
  ): void {
    if (this.#feeds.length >= 6) return;
    const feed: VendorFeed = {
      name,
      version,
      columns: [],
      orderBy: [],
      cadenceMinutes: 60,
      description: `About ${name}.`,
      deprecated: undefined,
      expectedEnd: undefined,
      actualEnd: undefined,
      inData,
      inDocument,
      // Of some nobody says, at first, what tells their records apart.
      key: this.#random.chance(0.3) ? [] : ['id'],
    };
    for (const [column, kind] of [
      ['id', 'int'],
      ['rep', 'text'],
      ['at', 'time'],
      ['seconds', 'small'],
      ['total', 'big'],
    ] as const) {
      feed.columns.push({
        name: column,
        kind,
        sent: undefined,
        pii: '',
        description: '',
        inData: [0, ALWAYS],
        inDocument: [0, ALWAYS],
      });
    }
    this.#feeds.push(feed);
  }

  #addVersion(feed: VendorFeed, data: number, document: number): void {
    const version = String(Number(feed.version) + 1);
    if (this.#feeds.some((other) => other.name === feed.name && other.version === version)) return;
    this.#addFeed(feed.name, version, [data, ALWAYS], [document, ALWAYS]);
  }

  #addColumn(
    feed: VendorFeed,
    inData: VendorFeed['inData'],
    inDocument: VendorFeed['inData'],
    at = feed.columns.length,
    kind = this.#random.pick(Object.keys(KINDS)),
  ): void {
    if (feed.columns.length >= 12) return;
    const column: VendorColumn = {
      name: this.#name('column'),
      kind,
      sent: undefined,
      pii: '',
      description: '',
      inData,
      inDocument,
    };
    feed.columns.splice(at, 0, column);
  }

  #remove({ key, orderBy }: VendorFeed, column: VendorColumn, data: number, document: number): void {
    if (key.includes(column.name) || orderBy.includes(column.name)) return;
    column.inData = [column.inData[0], data];
    column.inDocument = [column.inDocument[0], document];
  }

  #rename(feed: VendorFeed, column: VendorColumn, data: number, document: number): void {
    if (feed.key.includes(column.name) || feed.orderBy.includes(column.name)) return;
    this.#remove(feed, column, data, document);
    const at = feed.columns.indexOf(column);
    this.#addColumn(feed, [data, ALWAYS], [document, ALWAYS], at, column.kind);
  }

  #comeBack(feed: VendorFeed): void {
    for (const column of feed.columns) {
      column.inData = [column.inData[0], ALWAYS];
      column.inDocument = [column.inDocument[0], ALWAYS];
    }
  }

  /** The document changes now; what is sent changes now as well, or stays behind until {@link #settle}. */
  #retype(feed: VendorFeed, column: VendorColumn): void {
    const { becomes } = KINDS[column.kind] as Kind;
    if (becomes.length === 0 || feed.orderBy.includes(column.name)) return;
    const before = column.kind;
    column.kind = this.#random.pick(becomes);
    column.sent = this.#random.chance(0.5) ? before : undefined;
  }

  /** A larger integer becomes a smaller one. */
  #narrow(): void {
    const large = this.#feeds.flatMap(({ columns }) => columns.filter(({ kind }) => kind === 'big'));
    const column = large.length > 0 ? this.#random.pick(large) : undefined;
    if (column) Object.assign(column, { kind: 'int', sent: undefined });
  }

  /** What was personal is so no more. */
  #clear(): void {
    for (const { columns } of this.#feeds) {
      for (const column of columns) if (column.pii !== '') column.pii = this.#random.pick(['', 'no']);
    }
  }

  #settle(): void {
    for (const feed of this.#feeds) for (const column of feed.columns) column.sent = undefined;
  }

  #rekey(feed: VendorFeed): void {
    feed.key = feed.key.length === 1 ? ['id', 'rep'] : ['id'];
  }

  #reorder(feed: VendorFeed): void {
    feed.orderBy = [this.#random.pick(['at', 'seconds'])].filter((name) =>
      feed.columns.some((column) => column.name === name && column.inDocument[1] === ALWAYS),
    );
  }
}
