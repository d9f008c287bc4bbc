import { type Document, isMap, isScalar, isSeq, type Node, visit } from 'yaml';
import { parseYaml } from '../yaml.ts';
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
  const { document, mistakes, lineAt } = parseYaml(text, { merge: true });
  if (mistakes.length > 0)
    throw new ProjectError(
      mistakes.map(({ line, message }) => ({ file, line, message: `YAML: ${message}` })),
    );
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'number' && Number.isInteger(node.value) && !Number.isSafeInteger(node.value))
        if (/^[-+]?\d+$/.test(node.source ?? '')) node.value = BigInt(node.source as string);
    },
  });
  const lineOf = (node: Node | null) => (node?.range ? lineAt(node.range[0]) : undefined);
  return {
    value: plain(file, document),
    lineOf: (path) => {
      let node = document.contents as Node | null;
      let line = lineOf(node) ?? 1;
      for (const part of path) {
        if (isMap(node)) {
          const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
          if (!pair) break;
          line = lineOf(pair.key as Node) ?? line;
          node = pair.value as Node | null;
        } else if (isSeq(node)) {
          node = (node.items[Number(part)] as Node | undefined) ?? null;
          line = lineOf(node) ?? line;
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
