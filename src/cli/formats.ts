/** The formats that options name. Without anything that writes them, so that saying what can be typed loads none of that. */

/** How data is printed. */
export const OUTPUT_FORMATS = ['table', 'json', 'csv'] as const;

/** The value of `--output`. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Formats of query results. Those that are not text need a file or a pipe. */
export const RESULT_FORMATS = [...OUTPUT_FORMATS, 'parquet', 'xlsx'] as const;

export type ResultFormat = (typeof RESULT_FORMATS)[number];

/** How progress is reported on stderr. */
export const LOG_FORMATS = ['text', 'json'] as const;

/** The value of `--log-format`. */
export type LogFormat = (typeof LOG_FORMATS)[number];
