import type { Environment } from './config.ts';

export interface Interpolated {
  /** The text with every variable replaced; `unknown` stands where one could not be. */
  text: string;
  /** The variables that it references, in order. */
  variables: string[];
  /** What is wrong with the references. Never contains any of the text. */
  problems: string[];
}

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const BODY = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

const BADLY_WRITTEN = `a variable is written \${NAME} or \${NAME:-default}, NAME being letters, digits and _; a literal \${ is written $\${`;

/**
 * Replaces `${NAME}` and `${NAME:-default}` by environment variables; `$${` is a literal `${`. Pure.
 *
 * An empty variable counts as unset, as it does in a shell for `:-`: schedulers hand over a secret that nobody
 * defined as an empty text. `${NAME:-}` says that empty is meant.
 * @param whereToSet ends the sentence "set it in the environment, or in …"
 */
export function interpolate(text: string, env: Environment, whereToSet: string): Interpolated {
  const variables: string[] = [];
  const problems: string[] = [];
  const replaced = text.replace(REFERENCE, (whole, body: string | undefined, close: string | undefined) => {
    if (body === undefined) return '${';
    const [, name, fallback] = BODY.exec(body) ?? [];
    if (name === undefined || close !== '}' || body.includes('${')) {
      problems.push(BADLY_WRITTEN);
      return whole;
    }
    variables.push(name);
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value || fallback !== undefined) return value || (fallback as string);
    problems.push(
      value === ''
        ? `\${${name}} is empty: set it in the environment, or in ${whereToSet}; \${${name}:-} allows an empty text`
        : `\${${name}} is not set: set it in the environment, or in ${whereToSet}`,
    );
    return 'unknown';
  });
  return { text: replaced, variables, problems };
}
