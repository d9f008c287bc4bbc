import type { ColumnType } from '../../feeds/types.ts';
import type { TableName } from '../../warehouse/sql.ts';

/**
 * What models need of the engine that has their tables: names and values go in, SQL comes out, and a session of that engine
 * runs it. Pure. What a model means is the same on every engine; how it is said, and how it is fast, is the dialect's.
 *
 * Where engines differ in what they can do, a flag says so, so that nobody need ask which engine it is.
 * `test/models/dialect/conformance.ts` says in tests what is said here in words, and runs on every dialect.
 *
 * A query that is given has no semicolon; it may end in a comment (`-- …`). Where it makes, fills or changes a table, it
 * begins on the second line of its statement: what the engine says of a line is told of that line of the model's file.
 */
export interface Dialect {
  /**
   * Whether the statements of a transaction happen all or not at all. Where each happens by itself, those of one list can be
   * run again from the first, after whichever of them was the last: nothing is lost or doubled by it.
   */
  readonly transactional: boolean;
  /** Whether a quoted name keeps its capitals; else it comes back in small letters. No engine tells names apart by them. */
  readonly keepsCapitals: boolean;

  /** @throws FileError for a name that no column or table can have */
  identifier(name: string): string;
  qualified(table: TableName): string;
  /** A text as an expression. */
  literal(text: string): string;
  /** How a type of the feeds is called. */
  type(type: ColumnType): string;
  /** The value of an expression as another type; NULL where it has none. */
  tryCast(value: string, type: ColumnType): string;

  /**
   * Asks for the columns of a query, in their order, without running it: the last of these statements answers a row for
   * each, its `column_name`, and as `column_type` what the engine calls its type.
   */
  describe(query: string): string[];
  /** Asks, as `meaning`, for a text that is the same for two queries which differ in layout and comments alone. */
  meaning(query: string): string;
  /** Asks, as `rows`, how many there are. It fails where a value of a view cannot be had: whoever reads that is an analyst. */
  count(kind: RelationKind, relation: TableName): string;

  /** Makes a schema, if it is not there. */
  createSchema(schema: string): string;
  /**
   * Makes a table or a view of a query, in the place of one of its kind, if there is one: whoever reads meanwhile has all of
   * the old one, or all of the new one.
   */
  create(kind: RelationKind, target: TableName, query: string): string[];
  drop(kind: RelationKind, target: TableName): string;
  /** Says what a table or a view holds. @param text without its NULs; `''` for nothing */
  comment(kind: RelationKind, target: TableName, text: string): string;
  commentColumn(target: TableName, column: string, text: string): string;

  /** Adds the rows of a query to a table, by the names of its columns; those that it does not have are NULL. */
  append(target: TableName, query: string): string[];
  /**
   * The same, in the place of rows that have the same key. NULLs compare equal.
   * @param twice what is said when the query has a key twice, before that key; then the table is left as it is
   */
  merge(target: TableName, query: string, uniqueKey: readonly string[], twice: string): string[];
  /** A query for the latest version of each record. */
  winners(query: DedupQuery): string;
  /**
   * Brings a table of winners up to date with the rows of the staging table: it has then what {@link winners} gives, row for
   * row. Its cost follows what came, not what is there.
   * @param query of which {@link DedupQuery.isTable} holds
   * @param watermark the newest file that the table has seen
   */
  refresh(target: TableName, query: DedupQuery, watermark: number): string[];
}

export type RelationKind = 'table' | 'view';

/**
 * How the versions of a record rank.
 *
 * Rows of one key rank by the model's ordering columns, then by the partition they came in, then by their file's name, then
 * by its source (`FILE_ORDER` of the ledger says it in full), then by their line: a total order over what the vendor sent, in
 * which the time of loading has no say. The vendor's own guide orders by a logical timestamp and leaves ties to chance.
 *
 * Text in an ordering column may hold times, in several spellings, or numbers, where its column was one of those before: they
 * rank as what they are, times before numbers before other text, whatever came first.
 */
export interface DedupRule {
  /** Columns that identify a record. NULLs compare equal. */
  uniqueKey: readonly string[];
  /** Columns that tell a later version from an earlier one, most significant first; largest first, NULL last. */
  orderBy: readonly string[];
  /** The types of those, as the engine calls them. */
  orderTypes: readonly string[];
}

/** What a dedup model keeps of its rows: the winner's columns. */
export interface DedupQuery {
  /** The staging table, or a query in parentheses. */
  from: string;
  /**
   * Whether it is the staging table. Only of that are rows known by their file and line for good: the rows of a query, which
   * carry `_file_id` and `_line` along, can only be looked at all together.
   */
  isTable: boolean;
  columns: readonly string[];
  rule: DedupRule;
}
