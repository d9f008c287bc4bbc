import { cpus, totalmem } from 'node:os';
import { median, round } from './numbers.ts';

/** One line of what the bench prints. */
export interface Measurement {
  /** The bench it belongs to. */
  bench: string;
  /** What was measured. */
  what: string;
  /** The median of the rounds. */
  seconds?: number;
  /** Seconds of CPU time, which other processes on the machine disturb less than wall time. */
  cpu_seconds?: number;
  /** Wall time of each round. */
  rounds?: number[];
  bytes?: number;
  rows?: number;
  /** The median of the rounds. */
  peak_memory_mb?: number;
  /** These seconds by those of `ratio_to`. */
  ratio?: number;
  /** The same with CPU time. */
  cpu_ratio?: number;
  ratio_to?: string;
  /** What `measure` is aimed at, and what it must not exceed. */
  target?: number;
  limit?: number;
  /** Which number target and limit are of. */
  measure?: 'ratio' | 'seconds' | 'cpu_seconds' | 'peak_memory_mb';
  /** How many cores other processes kept busy meanwhile, in the most disturbed round. */
  others?: number;
}

/** What a round of a measurement gives. */
export interface Sample {
  seconds: number;
  cpu_seconds?: number;
  peak_memory_mb?: number;
  others: number;
}

/** What the numbers were measured on. */
export interface Machine {
  cpus: number;
  model: string;
  /** In GB. */
  memory: number;
  os: string;
  node: string;
  duckdb: string;
}

export function describeMachine(duckdb: string): Machine {
  const [first] = cpus();
  return {
    cpus: cpus().length,
    model: first?.model.trim() ?? '',
    memory: round(totalmem() / 1e9, 1),
    os: `${process.platform} ${process.arch}`,
    node: process.version.slice(1),
    duckdb,
  };
}

/** Several rounds as one measurement. */
export function summarize(
  samples: readonly Sample[],
): Pick<Measurement, 'seconds' | 'cpu_seconds' | 'rounds' | 'peak_memory_mb' | 'others'> {
  const of = (key: 'cpu_seconds' | 'peak_memory_mb') => samples.flatMap((sample) => sample[key] ?? []);
  const cpu = of('cpu_seconds');
  const peak = of('peak_memory_mb');
  return {
    seconds: round(median(samples.map(({ seconds }) => seconds)), 3),
    ...(cpu.length > 0 && { cpu_seconds: round(median(cpu), 3) }),
    ...(peak.length > 0 && { peak_memory_mb: round(median(peak), 0) }),
    rounds: samples.map(({ seconds }) => round(seconds, 3)),
    others: round(Math.max(...samples.map(({ others }) => others)), 2),
  };
}

/** How much longer `a` takes than `b`, both of the same rounds. */
export function compared(
  a: readonly Sample[],
  b: readonly Sample[],
  to: string,
): Pick<Measurement, 'ratio' | 'cpu_ratio' | 'ratio_to'> {
  const one = summarize(a);
  const other = summarize(b);
  return {
    ratio: round((one.seconds as number) / (other.seconds as number), 4),
    ...(one.cpu_seconds !== undefined &&
      other.cpu_seconds !== undefined && { cpu_ratio: round(one.cpu_seconds / other.cpu_seconds, 4) }),
    ratio_to: to,
  };
}
