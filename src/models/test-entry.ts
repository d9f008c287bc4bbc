import { z } from 'zod';
import { didYouMean } from '../text.ts';
import { type Check, settingsOf, settingsShape, type TestEntry, type TestSettings } from './data-tests.ts';
import { type RelationCall, readRelationCall } from './relation-call.ts';

const text = z.string().min(1, { error: 'must be text that is not empty' });
const common = {
  ...settingsShape,
  name: text.optional(),
  where: text.optional(),
  column_name: text.optional(),
};

/** A test whose arguments were read, waiting for the column that it is written below. */
interface ReadArguments {
  name: string | undefined;
  settings: TestSettings;
  /** @returns what the test asserts, or why it cannot */
  checkOn(column: string | undefined): Check<RelationCall> | string;
}

function read(
  args: z.infer<z.ZodObject<typeof common>>,
  checkOn: ReadArguments['checkOn'],
  needsColumn = true,
): ReadArguments {
  return {
    name: args.name,
    settings: settingsOf(args, args.where),
    checkOn: (onColumn) => {
      const column = onColumn ?? args.column_name;
      if (needsColumn && column === undefined) return 'needs column_name, where it is not below a column';
      return checkOn(column);
    },
  };
}

const relation = z.string().transform((written, context): RelationCall => {
  const call = readRelationCall(written);
  if (call && call.kind !== 'this') return call;
  context.addIssue({ code: 'custom', message: "must be ref('model') or source('group', 'feed')" });
  return z.NEVER;
});

/** The tests that there are, and their arguments. */
const TESTS: Record<string, z.ZodType<ReadArguments>> = {
  unique: z
    .strictObject({ ...common, combination_of_columns: z.array(text).min(1).optional() })
    .transform((args) =>
      read(
        args,
        (column) => {
          const columns = args.combination_of_columns ?? (column ? [column] : undefined);
          if (columns) return { kind: 'unique', columns };
          return 'needs column_name or combination_of_columns, where it is not below a column';
        },
        false,
      ),
    ),
  not_null: z
    .strictObject(common)
    .transform((args) => read(args, (column) => ({ kind: 'not_null', column: column as string }))),
  accepted_values: z
    .strictObject({
      ...common,
      values: z.array(z.union([z.string(), z.number(), z.bigint(), z.boolean()])).min(1),
      quote: z.boolean().default(true),
    })
    .transform((args) => {
      const { values, quote } = args;
      return read(args, (column) => ({ kind: 'accepted_values', column: column as string, values, quote }));
    }),
  relationships: z.strictObject({ ...common, to: relation, field: text }).transform((args) => {
    const { to, field } = args;
    return read(args, (column) => ({ kind: 'relationships', column: column as string, to, field }));
  }),
  expression: z
    .strictObject({ ...common, expression: text })
    .transform((args) =>
      read(args, (column) => ({ kind: 'expression', column, expression: args.expression }), false),
    ),
};

/** dbt_utils' names for two of them. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['dbt_utils.expression_is_true', 'expression'],
  ['dbt_utils.unique_combination_of_columns', 'unique'],
]);

/** Something wrong with a test. */
export interface TestProblem {
  /** Leads from the test to what is wrong. */
  path: PropertyKey[];
  /** Undefined where it is the test as a whole, and `message` says all. */
  issue: z.core.$ZodIssue | undefined;
  message: string;
}

/**
 * Reads one item of `tests:`. As in dbt it is a name, or a name with arguments, of which settings may stand below
 * `config:` and the others below `arguments:`.
 * @param onColumn the column that it is written below
 * @param wording puts into words what is allowed
 */
export function readTest(
  written: unknown,
  onColumn: string | undefined,
  place: { file: string; line: number },
  wording: (issue: z.core.$ZodRawIssue) => string,
): TestEntry | TestProblem[] {
  const named = nameAndArguments(written);
  if (typeof named === 'string') return [whole(named)];
  const { name, args } = named;
  const kind = ALIASES.get(name) ?? name;
  const schema = Object.hasOwn(TESTS, kind) ? TESTS[kind] : undefined;
  if (!schema) {
    const known = [...Object.keys(TESTS), ...ALIASES.keys()];
    const guess = didYouMean(name, known);
    return [whole(`there is no test ${JSON.stringify(name)}${guess}: there are ${known.join(', ')}`)];
  }
  const { values, origin } = flatten(args);
  const result = schema.safeParse(values, { error: wording });
  if (!result.success)
    return result.error.issues.map((issue) => ({
      path: [name, ...origin(issue), ...issue.path],
      issue,
      message: issue.message,
    }));
  const check = result.data.checkOn(onColumn);
  if (typeof check === 'string') return [whole(`${name} ${check}`)];
  return { ...result.data.settings, name: result.data.name, ...place, check };
}

function whole(message: string): TestProblem {
  return { path: [], issue: undefined, message };
}

function nameAndArguments(written: unknown): { name: string; args: unknown } | string {
  if (typeof written === 'string') return { name: written, args: {} };
  const entries = written !== null && typeof written === 'object' ? Object.entries(written) : [];
  const [first] = entries;
  if (first === undefined || entries.length > 1 || Array.isArray(written))
    return 'a test is a name, or one name with its arguments indented below it';
  const [name, args] = first;
  return { name, args: typeof args === 'string' ? { expression: args } : (args ?? {}) };
}

/** The arguments in one mapping, and below which key of the test each of them stands. */
function flatten(args: unknown): { values: unknown; origin(issue: z.core.$ZodIssue): string[] } {
  if (args === null || typeof args !== 'object' || Array.isArray(args))
    return { values: args, origin: () => [] };
  const { arguments: own, config, ...rest } = args as Record<string, object | undefined>;
  return {
    values: { ...own, ...rest, ...config },
    origin: (issue) => {
      const key = issue.code === 'unrecognized_keys' ? issue.keys[0] : issue.path[0];
      const within = (held: unknown) =>
        held !== null && typeof held === 'object' && Object.hasOwn(held, key ?? '');
      return within(config) ? ['config'] : within(own) ? ['arguments'] : [];
    },
  };
}
