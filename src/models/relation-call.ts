/** A table or view as a properties file names it: `ref('model')`, `source('group', 'feed')`, `this`. */
export type RelationCall =
  | { kind: 'ref'; name: readonly string[] }
  | { kind: 'source'; group: string; feed: string }
  | { kind: 'this' };

/** The same once the model is known. */
export type Relation =
  | { kind: 'model'; id: string }
  | { kind: 'source'; group: string; feed: string }
  | { kind: 'this' };

const CALL = /^(ref|source)\(\s*(['"])([^'"]+)\2\s*(?:,\s*(['"])([^'"]+)\4\s*)?\)$/;

/** @returns undefined when the text is none of these */
export function readRelationCall(text: string): RelationCall | undefined {
  const plain = text.replace(/^\s*\{\{|\}\}\s*$/g, '').trim();
  if (plain === 'this') return { kind: 'this' };
  const [, call, , first, , second] = CALL.exec(plain) ?? [];
  if (first === undefined) return undefined;
  if (call === 'ref') return { kind: 'ref', name: second === undefined ? [first] : [first, second] };
  return second === undefined ? undefined : { kind: 'source', group: first, feed: second };
}
