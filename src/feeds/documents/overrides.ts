import { type Document, isNode } from 'yaml';
import { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import { parseYaml } from '../../yaml.ts';
import { columnName } from '../names.ts';
import type { EpochFormat } from '../types.ts';
import { type ColumnType, columnType } from '../types.ts';

/**
 * A person's corrections to the published schema: `schemas/overrides.yaml`, each with its reason.
 *
 *     messaging:
 *       convos_intents:
 *         key: { use: [issue_id], reason: … }
 *         order_by: { use: [first_utterance_ts], reason: … }
 *         columns:
 *           first_utterance_ts: { type: TIMESTAMP, reason: … }
 *           instance_ts: { format: epoch_ms, reason: … }
 *
 * The first level is the group, the second the feed (version 2 of a feed is `convos_intents__v2`). `use` and `type`
 * replace what is published. `format` says that times come as seconds (`epoch_s`) or milliseconds (`epoch_ms`) since
 * 1970.
 */

const Reason = z.string().min(1);
const Columns = z.strictObject({ use: z.array(z.string().min(1).transform(columnName)), reason: Reason });
const Type = z.string().transform((published, context) => {
  const type = columnType(published);
  if (type !== undefined) return type;
  context.addIssue(`${JSON.stringify(published)} is not a type`);
  return z.NEVER;
});
const Column = z
  .strictObject({ type: Type.optional(), format: z.enum(['epoch_s', 'epoch_ms']).optional(), reason: Reason })
  .transform(({ type, format, reason }, context) => {
    if (type === undefined && format === undefined) context.addIssue('must say type or format');
    if (format !== undefined && type !== undefined && type !== 'TIMESTAMP') {
      context.addIssue(`format: ${format} makes times, and ${type} is no type of times`);
    }
    return { type: type ?? 'TIMESTAMP', reason, ...(format && { format }) } satisfies ColumnOverride;
  });
const Feed = z.strictObject({
  key: Columns.optional(),
  order_by: Columns.optional(),
  columns: byName(Column, columnName).optional(),
});
const OverridesFile = byName(byName(Feed));

/** What replaces a column's published type. */
interface ColumnOverride {
  type: ColumnType;
  format?: EpochFormat;
  reason: string;
  /** It comes from the user's own file, so nobody has to accept it again. */
  own?: boolean;
}

export interface FeedOverride extends Omit<z.output<typeof Feed>, 'columns'> {
  columns?: ReadonlyMap<string, ColumnOverride>;
}

/** By group, then by table name. */
export type Overrides = ReadonlyMap<string, ReadonlyMap<string, FeedOverride>>;

/** The corrections that come with the program, and on top of them a user's own. Pure. */
export function mergeOverrides(bundled: Overrides, own: Overrides): Overrides {
  const merged = new Map([...bundled].map(([group, feeds]) => [group, new Map(feeds)]));
  for (const [group, feeds] of own) {
    const known = merged.get(group) ?? new Map<string, FeedOverride>();
    merged.set(group, known);
    for (const [feed, override] of feeds) {
      const before = known.get(feed);
      const columns = new Map(before?.columns);
      for (const [name, column] of override.columns ?? []) columns.set(name, { ...column, own: true });
      known.set(feed, { ...before, ...override, columns });
    }
  }
  return merged;
}

/**
 * Reads `overrides.yaml`. Pure.
 * @param name what the file is called in messages
 * @throws ConfigError with everything that is wrong: a person wrote this file, and can correct it
 */
export function parseOverrides(text: string, name: string): Overrides {
  const { document, lineAt } = parseYaml(text);
  const syntax = document.errors.map((error) => ({
    file: name,
    line: lineAt(error.pos[0]),
    key: 'YAML',
    message: error.message,
  }));
  if (syntax.length > 0) throw new ConfigError(syntax);

  const result = OverridesFile.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map(({ path, message }) => ({
      file: name,
      line: lineAt(offsetOf(document, path)),
      key: path.join('.'),
      message,
    })),
  );
}

/** The offset of the value at `path`, or of the nearest mapping above it where the value is missing. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function byName<T extends z.ZodType>(value: T, nameOf = (written: string) => written) {
  return z
    .record(z.string(), value)
    .transform((entries) => new Map(Object.entries(entries).map(([name, held]) => [nameOf(name), held])));
}
