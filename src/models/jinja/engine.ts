import * as library from '@huggingface/jinja';

/**
 * The one importer of `@huggingface/jinja`. Its declarations import each other without file extensions, which
 * TypeScript's `nodenext` does not resolve, so the part that is used is declared here.
 */

export interface Token {
  type: string;
  value: string;
}

/** A node of a parsed template; which fields it has depends on its type. */
export interface Node {
  type: string;
  [field: string]: unknown;
}

/** A value inside a template. The library wraps each, so that nothing of JavaScript can be reached from a template. */
export interface Value {
  type: string;
  value: unknown;
  /** Its methods and attributes. */
  builtins: Map<string, Value>;
}

/** The names known at one place of a template. */
export interface Scope {
  parent?: Scope;
  variables: Map<string, Value>;
  /** Wraps a JavaScript value and declares it. */
  set(name: string, value: unknown): Value;
  setVariable(name: string, value: Value): Value;
  /** A value of type `UndefinedValue` where no such name is known. */
  lookupVariable(name: string): Value;
}

interface Evaluator {
  evaluate(node: Node | undefined, scope: Scope): Value;
}

export const tokenize = library.tokenize as unknown as (source: string) => Token[];
export const parse = library.parse as unknown as (tokens: readonly Token[]) => Node;
export const Scope = library.Environment as unknown as new (parent?: Scope) => Scope;
export const Interpreter = library.Interpreter as unknown as new (global: Scope) => Evaluator;
