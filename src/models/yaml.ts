import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { syntaxFindings } from '../config/yaml-syntax.ts';
import { ProjectError } from './problems.ts';

export type YamlPath = readonly PropertyKey[];

/** A YAML file as plain values (integers too long for a number as bigint), and the lines they stand on. */
export interface YamlFile {
  value: unknown;
  /** The line of the key, or list item, at `path`; that of the nearest thing around it where there is none. */
  lineOf(path: YamlPath): number;
}

/** @throws ProjectError with each line that is not YAML */
export function readYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    schema: 'core',
    merge: true,
    prettyErrors: false,
  });
  const findings = syntaxFindings(text, [...document.errors, ...document.warnings], lines);
  if (findings.length > 0)
    throw new ProjectError(
      findings.map(({ line, message }) => ({ file, line, message: `YAML: ${message}` })),
    );
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'number' && Number.isInteger(node.value) && !Number.isSafeInteger(node.value))
        if (/^[-+]?\d+$/.test(node.source ?? '')) node.value = BigInt(node.source as string);
    },
  });
  const lineAt = (node: Node | null) => (node?.range ? lines.linePos(node.range[0]).line : undefined);
  return {
    value: plain(file, document),
    lineOf: (path) => {
      let node = document.contents as Node | null;
      let line = lineAt(node) ?? 1;
      for (const part of path) {
        if (isMap(node)) {
          const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
          if (!pair) break;
          line = lineAt(pair.key as Node) ?? line;
          node = pair.value as Node | null;
        } else if (isSeq(node)) {
          node = (node.items[Number(part)] as Node | undefined) ?? null;
          line = lineAt(node) ?? line;
        } else break;
      }
      return line;
    },
  };
}

function plain(file: string, document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // An alias without its anchor, or too many of them.
    throw new ProjectError([{ file, message: `YAML: ${(error as Error).message}` }], { cause: error });
  }
}
