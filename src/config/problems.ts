import type { Problem } from '../errors.ts';
import { redactor } from '../redact.ts';

/** The keys that lead to a value, from the top of the file. */
export type Path = readonly (string | number)[];

/** Something wrong in a configuration, before it becomes a {@link Problem} of a file. */
export interface ConfigFinding {
  path: Path;
  /** What it is about, where that is not a key: the file, or its syntax. */
  subject?: string;
  line?: number;
  message: string;
}

/** A path as a key of a map. */
export function pathId(path: Path): string {
  return JSON.stringify(path);
}

/** A path as people write it: `sources.messaging.feeds[0]`. */
export function pathText(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      return `${index === 0 ? '' : '.'}${/^[\w-]+$/.test(part) ? part : JSON.stringify(part)}`;
    })
    .join('');
}

/** Findings as problems of `file`, in the order of its lines, with `secrets` redacted. */
export function toProblems(
  findings: readonly ConfigFinding[],
  file: string,
  secrets: readonly string[],
): Problem[] {
  const line = (finding: ConfigFinding) => finding.line ?? Number.POSITIVE_INFINITY;
  const redact = redactor(secrets);
  return findings
    .toSorted((a, b) => (line(a) === line(b) ? 0 : line(a) - line(b)))
    .map((finding) => ({
      file,
      ...(finding.line === undefined ? {} : { line: finding.line }),
      key: finding.subject ?? (finding.path.length > 0 ? pathText(finding.path) : WHOLE_FILE),
      message: redact(finding.message),
    }));
}

/** Used as the key where the problem is the whole file. */
export const WHOLE_FILE = '(file)';
