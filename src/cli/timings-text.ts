import type { Stage } from '../timings.ts';
import type { Logger } from './log.ts';

/** Where the time of a process went, in seconds. */
export interface ProcessTimes {
  /** Until the warehouse was open. */
  starting: number;
  stages: Record<Stage, number>;
  /** From its start until now. */
  whole: number;
  /** Of the processor: more than `whole` where several cores worked. */
  cpu: number;
}

/** Says where the time went since the process was started. @param starting milliseconds until the warehouse was open */
export function reportTimings(
  logger: Logger,
  { starting, stages }: { starting: number; stages: Record<Stage, number> },
): void {
  const { user, system } = process.cpuUsage();
  const whole = performance.now() / 1000;
  const times = { starting: starting / 1000, stages, whole, cpu: (user + system) / 1e6 };
  logger.info(timingsText(times), { seconds: timingsFields(times) });
}

/** `2.1 s: 0.4 starting, 0.3 listing, 1.2 staging, 0.2 the rest; 1.9 of CPU`. Stages without time are left out. */
export function timingsText(times: ProcessTimes): string {
  const { whole, cpu, ...parts } = timingsFields(times);
  const named = Object.entries(parts)
    .map(([stage, seconds]) => [stage === 'rest' ? 'the rest' : stage, seconds.toFixed(2)] as const)
    .filter(([, seconds]) => Number(seconds) > 0)
    .map(([stage, seconds]) => `${stage} ${seconds}`);
  return `took ${whole.toFixed(2)} s: ${named.join(', ')}; ${cpu.toFixed(2)} s of CPU`;
}

/** The same by name, to milliseconds. */
function timingsFields({ starting, stages, whole, cpu }: ProcessTimes): Record<string, number> & {
  whole: number;
  cpu: number;
} {
  const known = Object.values(stages).reduce((sum, seconds) => sum + seconds, starting);
  const fields = { starting, ...stages, rest: Math.max(0, whole - known), whole, cpu };
  const rounded = Object.entries(fields).map(([name, seconds]) => [name, Math.round(seconds * 1000) / 1000]);
  return Object.fromEntries(rounded);
}
