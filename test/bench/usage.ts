import { readFileSync, writeSync } from 'node:fs';

/**
 * Loaded into a measured process with `--import`: when it ends, it writes what it used to its file descriptor 3.
 * Its peak memory is that of DuckDB and Node together.
 */

/** What a process used. */
export interface Usage {
  /** Seconds of CPU time, of all its threads. */
  cpu_seconds: number;
  /** The most memory it had resident at any moment, in megabytes (10^6 bytes). */
  peak_memory_mb: number;
}

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage: Usage = {
    cpu_seconds: (userCPUTime + systemCPUTime) / 1e6,
    peak_memory_mb: ((linuxPeak() ?? maxRSS) * 1024) / 1e6,
  };
  writeSync(3, JSON.stringify(usage));
});

/**
 * In KiB; undefined elsewhere. On Linux `maxRSS` begins with what the parent had when it forked, `VmHWM` with nothing.
 */
function linuxPeak(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return peak === undefined ? undefined : Number(peak);
}
