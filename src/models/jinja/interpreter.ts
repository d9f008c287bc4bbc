import { isDeepStrictEqual } from 'node:util';
import { didYouMean } from '../../text.ts';
import { ProjectError } from '../problems.ts';
import { Interpreter, type Node, type Scope, type Value } from './engine.ts';
import { FILTERS, methodOf } from './methods.ts';
import { HIDDEN, lineMark } from './rewrite.ts';
import type { Template } from './template.ts';
import { box, isUndefined, kindOf, listOf, unbox } from './values.ts';

/** A line of a file. */
export interface Place {
  file: string;
  line: number;
}

/** A problem that a name or text inside the tag is about: its own line is nearer than the tag's. */
class AboutWord extends Error {
  readonly word: string;

  constructor(message: string, word: string) {
    super(message);
    this.word = word;
  }
}

/** How `return()` leaves a macro with a value that is not text. */
export class Returned extends Error {
  readonly value: Value;

  constructor(value: Value) {
    super('return() belongs inside a macro');
    this.value = value;
  }
}

interface Tag {
  template: Template;
  token: number;
}

/** A node that has its value already. */
const CONSTANT = '%constant';

/**
 * Renders as dbt's Jinja does where the library is laxer or knows less: a name or attribute that does not exist is an
 * error with its line, tuples are lists, values compare by what they hold, lists can be appended to, macros can
 * `return()`.
 */
export class StrictInterpreter extends Interpreter {
  readonly #templates: ReadonlyMap<string, Template>;
  readonly #main: Template;
  /** The tag being rendered; the tag of the main template from which it was reached. */
  #at: Tag;
  #mainAt: Tag;
  /** Above zero inside `x is defined` and `x | default(…)`, where `x` need not exist. */
  #lenient = 0;

  constructor(global: Scope, main: Template, templates: readonly Template[]) {
    super(global);
    this.#main = main;
    this.#templates = new Map([...templates, main].map((template) => [template.key, template]));
    this.#at = this.#mainAt = { template: main, token: 0 };
  }

  /** The text that a template renders to, with marks in it. @throws ProjectError */
  run(template: Template, scope: Scope): string {
    return this.#guard(() => this.evaluate(template.program, scope).value as string);
  }

  /** Declares in `scope` what a file of macros declares. @throws ProjectError */
  declare(template: Template, scope: Scope): void {
    this.#at = { template, token: 0 };
    const body = template.program.body as Node[];
    this.#guard(() => {
      for (const node of body) if (node.type === 'Macro' || node.type === 'Set') this.evaluate(node, scope);
    });
    this.#at = this.#mainAt;
  }

  /**
   * Where in the main template, or the file of macros it calls, rendering is.
   * @param word a name or text in the tag, to find the line in a tag of several lines
   */
  where(word?: string): Place {
    return place(this.#at, word);
  }

  /** Where in the main template rendering is, also while a macro runs. */
  whereInMain(word?: string): Place {
    return place(this.#mainAt, word);
  }

  override evaluate(node: Node | undefined, scope: Scope): Value {
    switch (node?.type) {
      case CONSTANT:
        return node.value as Value;
      case 'Identifier':
        return this.#name(node, scope);
      case 'MemberExpression':
        return this.#member(node, scope);
      case 'CallExpression':
        return this.#call(node, scope);
      case 'TestExpression':
        return /^(un)?defined$/.test(name(node.test))
          ? this.#leniently(() => super.evaluate(node, scope))
          : super.evaluate(node, scope);
      case 'FilterExpression':
        return this.#filter(node, scope);
      case 'BinaryExpression':
        return this.#binary(node, scope);
      case 'TupleLiteral':
        // The library does not unpack its own tuples in `{% for a, b in … %}`.
        return listOf(super.evaluate(node, scope).value as Value[]);
      default:
        return super.evaluate(node, scope);
    }
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof ProjectError || !(error instanceof Error)) throw error;
      const word = error instanceof AboutWord ? error.word : undefined;
      throw new ProjectError([{ ...this.where(word), message: explain(error) }], { cause: error });
    }
  }

  #leniently<T>(work: () => T): T {
    this.#lenient++;
    try {
      return work();
    } finally {
      this.#lenient--;
    }
  }

  #name(node: Node, scope: Scope): Value {
    const value = super.evaluate(node, scope);
    if (!isUndefined(value) || this.#lenient > 0) return value;
    const word = name(node);
    const known = namesIn(scope);
    if (known.includes(word)) throw new AboutWord(`${word} was given no value`, word);
    throw new AboutWord(`there is nothing called ${JSON.stringify(word)}${didYouMean(word, known)}`, word);
  }

  #member(node: Node, scope: Scope): Value {
    const object = this.evaluate(node.object as Node, scope);
    const property = node.property as Node;
    const method = node.computed ? undefined : methodOf(object, name(property));
    if (method) return method;
    const value = super.evaluate({ ...node, object: constant(object) }, scope);
    if (!isUndefined(value) || this.#lenient > 0) return value;
    const word = property.type === 'Identifier' || property.type === 'StringLiteral' ? name(property) : '';
    throw new AboutWord(`${kindOf(object)} has no ${word ? JSON.stringify(word) : 'such item'}`, word);
  }

  #call(node: Node, scope: Scope): Value {
    const callee = node.callee as Node;
    const args = node.args as Node[];
    if (name(callee) === HIDDEN.at) return this.#mark(args);
    if (name(callee) === HIDDEN.discard) {
      for (const arg of args) this.evaluate(arg, scope);
      return box(null);
    }
    const [at, mainAt] = [this.#at, this.#mainAt];
    let value: Value;
    try {
      value = super.evaluate(node, scope);
    } catch (error) {
      if (!(error instanceof Returned) || name(callee) === 'return') throw error;
      value = error.value;
    }
    this.#at = at;
    this.#mainAt = mainAt;
    return value;
  }

  /** Remembers which tag is being rendered, and leaves its line in the output where that will stay. */
  #mark([key, token, captured]: Node[]): Value {
    const template = this.#templates.get(key?.value as string) ?? this.#main;
    this.#at = { template, token: token?.value as number };
    if (template === this.#main) this.#mainAt = this.#at;
    return box(captured?.value === 0 ? lineMark(this.where().line) : null);
  }

  #filter(node: Node, scope: Scope): Value {
    const filter = node.filter as Node;
    const called = filter.type === 'CallExpression';
    const given = name(called ? filter.callee : filter);
    const word = FILTER_ALIASES.get(given) ?? given;
    const args = called ? (filter.args as Node[]) : [];
    if (word === 'default') {
      const operand = this.#leniently(() => this.evaluate(node.operand as Node, scope));
      const call = { type: 'CallExpression', callee: { type: 'Identifier', value: word }, args };
      return super.evaluate({ ...node, operand: constant(operand), filter: call }, scope);
    }
    const own = Object.hasOwn(FILTERS, word) ? FILTERS[word] : undefined;
    // `map(attribute='…')` is the library's.
    if (own && !args.some(({ type }) => type === 'KeywordArgumentExpression')) {
      const operand = this.evaluate(node.operand as Node, scope);
      return own(operand, {
        args: args.map((arg) => this.evaluate(arg, scope)),
        filter: (other, value) =>
          this.#filter({ ...node, operand: constant(value), filter: identifier(other) }, scope),
        test: (test, value) => this.#test(test, value, scope),
        truth: (value) => truth(value),
      });
    }
    const renamed = called ? { ...filter, callee: identifier(word) } : identifier(word);
    const value = super.evaluate({ ...node, filter: renamed }, scope) as Value | undefined;
    if (value === undefined) throw new AboutWord(`${word} takes a list that is not empty`, given);
    return value;
  }

  #test(test: string, value: Value, scope: Scope): boolean {
    const node = { type: 'TestExpression', operand: constant(value), negate: false, test: identifier(test) };
    return super.evaluate(node, scope).value as boolean;
  }

  #binary(node: Node, scope: Scope): Value {
    const operator = name(node.operator);
    if (operator !== '==' && operator !== '!=') return super.evaluate(node, scope);
    const left = unbox(this.evaluate(node.left as Node, scope));
    const right = unbox(this.evaluate(node.right as Node, scope));
    return box(isDeepStrictEqual(left, right) === (operator === '=='));
  }
}

const FILTER_ALIASES: ReadonlyMap<string, string> = new Map([
  ['d', 'default'],
  ['count', 'length'],
]);

function constant(value: Value): Node {
  return { type: CONSTANT, value };
}

function identifier(value: string): Node {
  return { type: 'Identifier', value };
}

/** The name that a node or token holds. */
function name(node: unknown): string {
  const value = (node as { value?: unknown } | undefined)?.value;
  return typeof value === 'string' ? value : '';
}

function place({ template, token }: Tag, word?: string): Place {
  return { file: template.file, line: template.lineOf(token, word) };
}

function truth(value: Value): boolean {
  const held = unbox(value);
  if (held !== null && typeof held === 'object') return Object.keys(held).length > 0;
  return Boolean(held);
}

/** Everything that can be written in `scope`. */
function namesIn(scope: Scope | undefined): string[] {
  return scope
    ? [...scope.variables.keys(), ...namesIn(scope.parent)].filter((key) => !key.startsWith('%'))
    : [];
}

function explain(error: Error): string {
  if (error instanceof RangeError) return 'nested too deeply: does a macro call itself without an end?';
  // The library calls kinds of values by the names of its classes.
  return error.message.replace(/\b([A-Z][a-z]+)Value\b/g, (_, kind: string) => kind.toLowerCase());
}
