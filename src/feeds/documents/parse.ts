import { DEFAULT_LIMITS, type Limits, limitText } from '../../limits.ts';
import { feedId } from '../followed.ts';
import { columnName, isPlainName, tableName } from '../names.ts';
import { columnType } from '../types.ts';
import type { ColumnDoc, ExportDocument, FeedDoc } from './document.ts';
import { DocumentFields, unquote } from './fields.ts';
import { type DocumentProblem, DocumentProblems, excerpt } from './problems.ts';
import { type DocumentValue, readValues } from './values.ts';

/**
 * Reads an export document: the vendor's daily `export_docs.yaml` (or `.json`, which is YAML too), and our
 * `schemas/<group>.yaml`. Pure; never throws.
 *
 * Real documents differ from the published one. So each part that can be understood is used, and each part that cannot
 * is reported as a problem with its line. A document beyond a limit is `refused` as a whole: it then has no feeds.
 */
export function parseExportDocument(text: string, name: string, limits = DEFAULT_LIMITS): ParsedDocument {
  const problems = new DocumentProblems(name);
  const root = readValues(text, problems, limits);
  const feeds = root ? new DocumentReader(problems, limits).feeds(root) : [];
  const { refused } = problems;
  return { document: { feeds: refused === undefined ? feeds : [] }, problems: problems.all(), refused };
}

export interface ParsedDocument {
  document: ExportDocument;
  problems: DocumentProblem[];
  /** Why the whole document is refused, as a sentence that begins with `it`; undefined when it is not. */
  refused: string | undefined;
}

/** A table or column, named by itself or by its key in a mapping. */
interface Item {
  name: string | undefined;
  line: number;
  value: DocumentValue;
}

class DocumentReader {
  readonly #problems: DocumentProblems;
  readonly #limits: Limits;

  constructor(problems: DocumentProblems, limits: Limits) {
    this.#problems = problems;
    this.#limits = limits;
  }

  feeds(root: DocumentValue): FeedDoc[] {
    const feeds = new Map<string, FeedDoc>();
    for (const schema of this.#schemas(root)) {
      for (const item of this.#items(schema.value('tables'), 'tables')) {
        const feed = this.#feed(item);
        if (feed === undefined) continue;
        const id = tableName(feed.name, feed.version).toLowerCase();
        const first = feeds.get(id);
        if (first === undefined) feeds.set(id, feed);
        else this.#problems.add(item.line, feed.name, duplicateMessage(first, feed));
      }
    }
    return [...feeds.values()];
  }

  /**
   * The maps that have `tables`. They can be in a list, in a mapping by name, alone under `schemas`, or be the document
   * itself.
   */
  #schemas(root: DocumentValue): DocumentFields[] {
    const fields = (value: DocumentValue) => new DocumentFields(value, 'schemas', this.#problems);
    const top = fields(root);
    if (top.has('tables')) return [top];
    const schemas = top.value('schemas');
    if (schemas && fields(schemas).has('tables')) return [fields(schemas)];
    const found = this.#items(schemas, 'schemas').map((item) => fields(item.value));
    if (found.length === 0) this.#problems.add(root.line, 'schemas', 'the document lists no schemas');
    return found;
  }

  #feed(item: Item): FeedDoc | undefined {
    const name = this.#name(item, 'tables');
    if (name === undefined) return undefined;
    const fields = new DocumentFields(item.value, name, this.#problems);
    return {
      name,
      version: fields.text('version') || '1',
      description: fields.text('description'),
      key: fields.columns('primary_key', 'unique_condition').map(columnName),
      orderBy: fields.columns('ordering_key').map(columnName),
      cadenceMinutes: fields.minutes('sync_time'),
      active: fields.day('active_date'),
      modified: fields.day('modified_date'),
      deprecated: fields.day('deprecation_date'),
      expectedEnd: fields.day('expected_eol_date'),
      actualEnd: fields.day('actual_eol_date'),
      replacement: fields.text('replacement_table'),
      columns: this.#columns(fields.value('columns'), name),
    };
  }

  #columns(value: DocumentValue | undefined, feed: string): ColumnDoc[] {
    const columns = new Map<string, ColumnDoc>();
    for (const item of this.#items(value, `${feed}.columns`)) {
      const column = this.#column(item, feed);
      if (column === undefined) continue;
      const id = column.name.toLowerCase();
      if (!columns.has(id)) columns.set(id, column);
      else this.#problems.add(item.line, `${feed}.${column.name}`, 'is there twice; the first counts');
    }
    if (columns.size > this.#limits.table_columns) {
      const limit = limitText(this.#limits, 'table_columns');
      this.#problems.refuse(value?.line ?? 1, `gives ${feed} ${columns.size} columns, more than ${limit}`);
    }
    return [...columns.values()];
  }

  #column(item: Item, feed: string): ColumnDoc | undefined {
    const name = this.#name(item, `${feed}.columns`);
    if (name === undefined) return undefined;
    const fields = new DocumentFields(item.value, `${feed}.${name}`, this.#problems);
    // In a mapping by name, `issue_id: bigint` says the type.
    const type =
      item.name !== undefined && item.value.kind === 'text' ? item.value.text : fields.text('type');
    if (columnType(type) === undefined) {
      this.#problems.add(
        item.line,
        `${feed}.${name}.type`,
        `${excerpt(type)} is not a type we know; its values are kept as text`,
      );
    }
    const created = fields.day('created_date');
    return {
      name: columnName(name),
      type: type.trim(),
      description: fields.text('description'),
      pii: fields.text('pii'),
      created,
      updated: fields.day('updated_date') ?? created,
      deleted: fields.day('deleted_date'),
    };
  }

  /** What a list or a mapping by name holds. */
  #items(value: DocumentValue | undefined, where: string): Item[] {
    if (value === undefined || value.kind === 'nothing') return [];
    if (value.kind === 'text') {
      this.#problems.add(value.line, where, 'must be a list or a mapping');
      return [];
    }
    if (value.kind === 'list') {
      return value.items.map((item) => ({ name: undefined, line: item.line, value: item }));
    }
    return value.entries.map(({ key, line, value: held }) => ({ name: key, line, value: held }));
  }

  /** The item's own `name`, else its key in the mapping, else (in a list of names) its text. */
  #name({ name: key, line, value }: Item, where: string): string | undefined {
    const own = new DocumentFields(value, where, this.#problems).value('name');
    const alone = key === undefined && value.kind === 'text' ? value.text : '';
    const name = unquote((own?.kind === 'text' ? own.text : undefined) ?? key ?? alone);
    if (isPlainName(name)) return name;
    this.#problems.add(
      line,
      where,
      name === '' ? 'one has no name' : 'a name has control characters, or no end',
    );
    return undefined;
  }
}

/** The message about a feed that is in a document twice: why the second one is ignored. */
function duplicateMessage(first: FeedDoc, feed: FeedDoc): string {
  return feedId(first) === feedId(feed)
    ? 'is in the document twice; the first counts'
    : `would have the table of ${first.name} version ${first.version}; the first counts`;
}
