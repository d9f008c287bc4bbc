import { type DocumentProblems, excerpt } from './problems.ts';
import type { DocumentValue } from './values.ts';

/**
 * The fields of one table or column of an export document. Each reader takes what can be understood and reports what
 * cannot. Pure.
 */
export class DocumentFields {
  readonly #values = new Map<string, DocumentValue>();
  readonly #where: string;
  readonly #problems: DocumentProblems;

  /**
   * @param value the map that holds them; anything else holds none
   * @param where what messages call the table or column
   */
  constructor(value: DocumentValue, where: string, problems: DocumentProblems) {
    this.#where = where;
    this.#problems = problems;
    if (value.kind !== 'map') return;
    for (const entry of value.entries) {
      // `primary-key` and `Primary Key` are `primary_key`; of two, the first counts.
      const name = entry.key.trim().toLowerCase().replace(/[\s-]/g, '_');
      if (!this.#values.has(name)) this.#values.set(name, entry.value);
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  value(name: string): DocumentValue | undefined {
    return this.#values.get(name);
  }

  /** Trimmed text without NUL characters, which SQL comments cannot hold; `''` when the field is missing or empty. */
  text(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined || value.kind === 'nothing') return '';
    if (value.kind === 'text') return value.text.replaceAll('\0', '').trim();
    return this.#report(value, name, 'must be text') ?? '';
  }

  /** The day of a date, or of a date and time, as `YYYY-MM-DD`. */
  day(name: string): string | undefined {
    const text = this.text(name);
    if (/^(none|null|n\/a)?$/i.test(text)) return undefined;
    const day = /^(\d{4}-\d{2}-\d{2})(?!\d)/.exec(text)?.[1];
    const time = new Date(`${day}T00:00:00Z`);
    // 30 February parses to 2 March.
    if (day !== undefined && !Number.isNaN(time.getTime()) && time.toISOString().startsWith(day)) return day;
    return this.#report(this.#values.get(name), name, `${excerpt(text)} is not a date`);
  }

  /** The minutes that text such as `15m`, `1h`, `1d`, `30 minutes`, `hourly` or `daily` stands for. */
  minutes(name: string): number | undefined {
    const text = this.text(name).toLowerCase();
    if (text === '') return undefined;
    if (text === 'hourly') return 60;
    if (text === 'daily') return 24 * 60;
    const parts = /^(\d{1,4}) ?(m|min|mins|minutes?|h|hrs?|hours?|d|days?)$/.exec(text);
    const unit = { m: 1, h: 60, d: 24 * 60 }[parts?.[2]?.[0] ?? ''];
    if (parts && unit !== undefined && Number(parts[1]) > 0) return Number(parts[1]) * unit;
    return this.#report(this.#values.get(name), name, `${excerpt(text)} is not a time like 15m, 1h or 1d`);
  }

  /**
   * Column names, from the first of the fields `names` that has any. They may be a YAML list, or text with commas:
   * between brackets, after `primary-key:`, or (in an ordering) with `DESC` behind each name.
   */
  columns(...names: string[]): string[] {
    for (const name of names) {
      const found = this.#columnsOf(this.#values.get(name), name);
      if (found.length > 0) return found;
    }
    return [];
  }

  #columnsOf(value: DocumentValue | undefined, name: string): string[] {
    if (value === undefined || value.kind === 'nothing') return [];
    if (value.kind === 'text') return splitNames(value.text);
    if (value.kind === 'list') {
      const names = value.items.flatMap((item) => {
        if (item.kind === 'text') return splitNames(item.text);
        this.#report(item, name, 'must be a list of column names');
        return [];
      });
      return [...new Set(names)];
    }
    // Without quotes, YAML reads `primary-key: a, b` as a map with one entry.
    const [inner] = value.entries;
    if (value.entries.length === 1 && inner?.value.kind !== 'map') return this.#columnsOf(inner?.value, name);
    this.#report(value, name, 'must be a list of column names');
    return [];
  }

  #report(value: DocumentValue | undefined, name: string, message: string): undefined {
    this.#problems.add(value?.line ?? 1, `${this.#where}.${name}`, message);
  }
}

/** A name without the blanks and the quotes around it. */
export function unquote(text: string): string {
  const name = text.trim();
  return /^(["'`])(.+)\1$/s.exec(name)?.[2]?.trim() ?? name;
}

function splitNames(text: string): string[] {
  const list = text
    .replace(/^\s*(primary|unique)[-_ ](key|condition)\s*:/i, '')
    .trim()
    .replace(/^\[(.*)\]$|^\((.*)\)$/s, '$1$2');
  const names = list.split(/[,;\n]/).map((name) => unquote(name.trim().replace(/\s(desc|asc)$/i, '')));
  return [...new Set(names.filter((name) => name !== ''))];
}
