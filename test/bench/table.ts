import type { Machine, Measurement } from './measurement.ts';

/** All measurements, for people. */
export function table(measurements: readonly Measurement[], machine: Machine): string {
  const head = ['bench', 'what', 'seconds', 'CPU', 'memory', 'ratio', 'of CPU', 'aim', 'limit', ''];
  const rows = measurements.map((measurement) => [
    measurement.bench,
    measurement.what,
    measurement.seconds?.toFixed(measurement.seconds < 10 ? 3 : 1) ?? '',
    measurement.cpu_seconds?.toFixed(measurement.cpu_seconds < 10 ? 3 : 1) ?? '',
    measurement.peak_memory_mb === undefined ? '' : `${measurement.peak_memory_mb} MB`,
    measurement.ratio?.toFixed(3) ?? '',
    measurement.cpu_ratio?.toFixed(3) ?? '',
    measurement.target?.toFixed(3) ?? '',
    measurement.limit?.toFixed(3) ?? '',
    verdict(measurement),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] as string).length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number),
      )
      .join('  ')
      .trimEnd();
  const { cpus, model, memory, os, node, duckdb } = machine;
  return [
    `${cpus} x ${model}, ${memory} GB, ${os}, Node ${node}, DuckDB ${duckdb}`,
    line(head),
    ...rows.map(line),
  ].join('\n');
}

/** How a number stands to what it is aimed at. */
function verdict({ measure, target, limit, ...numbers }: Measurement): string {
  const value = measure && numbers[measure];
  if (value === undefined) return '';
  if (target !== undefined && value <= target) return 'as aimed';
  if (limit !== undefined) return value <= limit ? 'within the limit' : 'OVER THE LIMIT';
  return 'misses its aim';
}
