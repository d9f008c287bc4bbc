import { type Document, LineCounter, parseDocument, type YAMLError } from 'yaml';

/** Parsed YAML with its line numbers, which start at 1. */
export interface YamlText {
  document: Document.Parsed;
  /** What is not YAML. */
  mistakes: YamlMistake[];
  /** The line of a character, by its offset. */
  lineAt(offset: number): number;
}

interface YamlMistake {
  line: number;
  message: string;
}

/** Parses a text that holds one document, written by people here: the vendor's goes through `readValues`. Pure. */
export function parseYaml(text: string, options: { merge?: boolean; uniqueKeys?: boolean } = {}): YamlText {
  const lines = new LineCounter();
  // The rules are fixed here so that no `%YAML 1.1` line turns `yes` into true, or `22:30` into 1350.
  const fixed = { lineCounter: lines, schema: 'core', prettyErrors: false } as const;
  const document = parseDocument(text, { ...options, ...fixed });
  const lineAt = (offset: number) => lines.linePos(offset).line;
  const mistakes = explainAll(text, [...document.errors, ...document.warnings], lineAt);
  return { document, mistakes, lineAt };
}

/**
 * What is wrong with a text that is not YAML, at most one mistake for each line: one mistake causes several errors, and
 * only the first is helpful. In our words, and without quoting the text, which may be a secret.
 */
function explainAll(
  text: string,
  errors: readonly YAMLError[],
  lineAt: (offset: number) => number,
): YamlMistake[] {
  const byLine = new Map<number, YamlMistake>();
  for (const error of errors) {
    const line = lineAt(error.pos[0]);
    if (byLine.has(line)) continue;
    const advice = /[[{].*\$\{/.test(lineOfText(text, line)) ? `; ${FLOW_VARIABLE}` : '';
    byLine.set(line, { line, message: explain(error) + advice });
  }
  return [...byLine.values()].sort((a, b) => a.line - b.line);
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: the text that a person is to write
const FLOW_VARIABLE = 'between [ ] or { }, a variable must be in quotes: "${NAME}"';

/** Explanations of common mistakes, by the parser's error code. */
const EXPLANATIONS: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'an alias (*name) has no name that fits; a text that begins with * must be in quotes',
  BAD_DQ_ESCAPE:
    'between double quotes, \\ begins an escape and this is none: write \\\\, or use single quotes',
  BAD_INDENT: 'the indentation is wrong, or a bracket is not closed',
  BAD_SCALAR_START: 'a text that begins with @, ` or % must be in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'the indentation is wrong, or a text that holds ": " is not in quotes',
  MULTILINE_IMPLICIT_KEY: 'the indentation is wrong, or a line lacks the ":" after its key',
  MULTIPLE_DOCS: 'the file must hold one document: "---" begins a second one',
  TAB_AS_INDENT: 'a tab cannot indent: use spaces',
  TAG_RESOLVE_FAILED: 'tags are not supported; a text that begins with ! must be in quotes',
};

function explain(error: YAMLError): string {
  if (error.code === 'MISSING_CHAR') {
    if (error.message.startsWith('Missing closing')) return 'a quote is not closed';
    if (error.message.startsWith('Implicit map')) return 'a line lacks the ":" after its key';
    return 'a "," or a closing bracket is missing';
  }
  return EXPLANATIONS[error.code] ?? 'this line is not YAML: check its indentation, quotes and brackets';
}

function lineOfText(text: string, line: number): string {
  return text.split('\n')[line - 1] ?? '';
}
