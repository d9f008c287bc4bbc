import { z } from 'zod';

/**
 * Limits that keep odd input from using up memory, disk or time. The defaults are far beyond what ordinary feeds need.
 * Each can be set in `limits:`, and messages about a limit name it, see {@link limitText}.
 *
 * The code uses the names of `warehouse.yaml`, so that a message, the configuration and the code agree.
 */
const LIMITS = {
  line_bytes: {
    unit: 'bytes',
    default: '64MiB',
    what: 'The longest line of a file, in bytes. A longer one is rejected; only its beginning is kept.',
  },
  object_keys: {
    unit: 'count',
    default: 200_000,
    what: 'The most fields in one record. A line with more is rejected, and kept whole.',
  },
  file_bytes: {
    unit: 'bytes',
    default: '64GiB',
    what: 'The largest file once decrypted and decompressed. A larger one is not loaded.',
  },
  file_ratio: {
    unit: 'count',
    default: 500,
    what: 'How many times larger than delivered a file of more than 1GiB may become when it is decompressed. One that goes beyond is not loaded.',
  },
  table_columns: {
    unit: 'count',
    default: 500,
    what: 'The most columns of a table. Fields beyond them stay in _rescued; a schema document that asks for more is not applied.',
  },
  document_bytes: {
    unit: 'bytes',
    default: '32MiB',
    what: 'The largest schema document, also with all of its aliases written out.',
  },
  document_nodes: {
    unit: 'count',
    default: 100_000,
    what: 'The most values of a schema document, counted while it is read; also with all of its aliases written out.',
  },
  document_aliases: {
    unit: 'count',
    default: 10_000,
    what: 'The most aliases (*name) in a schema document, counted while it is read.',
  },
  listing_pages: {
    unit: 'count',
    default: 100_000,
    what: 'The most pages that one listing of a source may go on for.',
  },
  response_bytes: {
    unit: 'bytes',
    default: '64MiB',
    what: 'The largest answer of a server that is not a file, such as a page of a listing.',
  },
} as const;

export type LimitName = keyof typeof LIMITS;

/** Sizes are in bytes, the others are counts. */
export type Limits = Readonly<Record<LimitName, number>>;

/** {@link Limits.file_ratio} only applies to files above this size: a small file that repeats itself harms nobody. */
export const RATIO_COUNTS_FROM_BYTES = 2 ** 30;

const NAMES = Object.keys(LIMITS) as LimitName[];

const SIZE = /^(\d{1,15}) ?(B|[kKMGT]i?B)$/;
const A_SIZE = 'must be a size above 0, such as 64KiB, 16MiB or 2GB';
/**
 * The longest line that can be allowed: a line is held in memory as text and as values while it is staged, and Node
 * cannot make a string of more than 512 MiB.
 */
const MAX_LINE = '256MiB';
const A_COUNT = 'must be a whole number above 0';

const size = z
  .string(A_SIZE)
  .regex(SIZE, A_SIZE)
  .refine((text) => bytesOf(text) !== undefined, A_SIZE);
const lineSize = size.refine(
  (text) => (bytesOf(text) ?? 0) <= (bytesOf(MAX_LINE) ?? 0),
  `must be at most ${MAX_LINE}`,
);

/** The bytes of a size like `64MiB`; undefined for other text. */
export function bytesOf(size: string): number | undefined {
  const [, digits, unit = ''] = SIZE.exec(size) ?? [];
  if (digits === undefined) return undefined;
  const base = unit.includes('i') ? 1024 : 1000;
  const bytes = Number(digits) * base ** Math.max(0, ' KMGT'.indexOf(unit.charAt(0).toUpperCase()));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

/** A size in the largest unit that holds it exactly: `16MiB`, `1500B`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value}${units[unit]}`;
}

/** How messages name a limit that was reached: `limits.line_bytes (16MiB)`. */
export function limitText(limits: Limits, name: LimitName): string {
  const value = limits[name];
  return `limits.${name} (${LIMITS[name].unit === 'bytes' ? sizeText(value) : value})`;
}

/** The keys of `limits:`. */
export const limitKeys = z.strictObject(
  Object.fromEntries(NAMES.map((name) => [name, limitKey(name)])) as Record<
    LimitName,
    ReturnType<typeof limitKey>
  >,
);

function limitKey(name: LimitName) {
  const { unit, default: standard, what } = LIMITS[name];
  const key = name === 'line_bytes' ? lineSize : unit === 'bytes' ? size : z.int(A_COUNT).min(1, A_COUNT);
  return key.optional().meta({ default: standard, description: what });
}

/** The limits of a checked `limits:`, with defaults for those left out. */
export function readLimits(given: Partial<Record<LimitName, string | number | undefined>> = {}): Limits {
  const values = NAMES.map((name) => {
    const value = given[name] ?? LIMITS[name].default;
    return [name, typeof value === 'number' ? value : (bytesOf(value) as number)];
  });
  return Object.fromEntries(values);
}

export const DEFAULT_LIMITS: Limits = readLimits();

/** For input that was checked against the limits before. */
export const NO_LIMITS: Limits = Object.fromEntries(
  NAMES.map((name) => [name, Number.POSITIVE_INFINITY]),
) as Limits;
