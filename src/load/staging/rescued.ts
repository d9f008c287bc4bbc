import { literal } from '../../warehouse/sql.ts';
import { marked, mayRespell, unmarkedJson } from './digits.ts';

/**
 * `_rescued` as text: some fields of a JSON object, in the order of their names, so that it is the same each time, their numbers
 * as they were sent. Pure, SQL expressions.
 */

/** What of an object is taken, and what is put beside it. */
export interface Fields {
  /** A condition on `field.key` and `field.value`; JSON's `null` is no value, and never taken. */
  where: string;
  /** One more field: its name, and its value as JSON. */
  and?: { name: string; json: string };
}

/**
 * @param object a JSON object as text, its numbers marked (`digits.ts`) in rows where `isMarked`
 * @returns JSON; NULL when no field is left
 */
export function fieldsOf(object: string, isMarked: string, { where, and }: Fields): string {
  const entries = `map_entries(from_json(${object}, '"MAP(VARCHAR, JSON)"'))`;
  const taken = `list_filter(${entries}, lambda field: field.value IS NOT NULL AND (${where}))`;
  const all = and
    ? `list_concat(${taken}, [struct_pack(key := ${literal(and.name)}, value := CAST(${and.json} AS JSON))])`
    : taken;
  const texts = `list_transform(list_sort(${all}), lambda field: CAST(to_json(field.key) AS VARCHAR) || ':' || CAST(field.value AS VARCHAR))`;
  const text = `nullif('{' || array_to_string(${texts}, ',') || '}', '{}')`;
  return `CAST(CASE WHEN ${isMarked} THEN ${unmarkedJson(text)} ELSE ${text} END AS JSON)`;
}

/** As {@link fieldsOf}, of an object that is not marked yet, or NULL. */
export function fieldsOfPlain(json: string, fields: Fields): string {
  const object = `CAST(${json} AS VARCHAR)`;
  const mark = mayRespell(object);
  return fieldsOf(
    `CASE WHEN ${mark} THEN ${marked(object)} ELSE ${object} END`,
    `coalesce(${mark}, false)`,
    fields,
  );
}

/**
 * An object of fields whose names are known, as far as a row has them: far less work than to look through all fields of a line.
 * @param fields each with a condition and its value as JSON, which may be marked in rows where `isMarked`; left out: nowhere
 */
export function objectOf(
  fields: readonly { name: string; when: string; json: string }[],
  isMarked?: string,
): string {
  const texts = [...fields]
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    .map(
      ({ name, when, json }) =>
        `CASE WHEN ${when} THEN ${literal(`${JSON.stringify(name)}:`)} || CAST(${json} AS VARCHAR) END`,
    );
  const text = `'{' || concat_ws(',', ${texts.join(', ')}) || '}'`;
  return `CAST(${isMarked ? `CASE WHEN ${isMarked} THEN ${unmarkedJson(text)} ELSE ${text} END` : text} AS JSON)`;
}

/** A JSON value as a text column has it: a string's text, anything else as it is written. */
export function textOfJson(json: string): string {
  return `CASE WHEN starts_with(CAST(${json} AS VARCHAR), '"') THEN ${json} ->> '$' ELSE CAST(${json} AS VARCHAR) END`;
}
