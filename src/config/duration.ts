import { z } from 'zod';

/** Durations as `warehouse.yaml` writes them: a whole number and its unit, `15m`, `1h`, `32d`. */

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d{1,6})([smhd])$/;
const A_DURATION = 'must be a duration such as 15m, 1h or 32d';

/** A key that holds a duration. */
export const duration = z.string(A_DURATION).regex(DURATION, A_DURATION);

/** The milliseconds of a duration that was checked. */
export function milliseconds(text: string): number {
  const [, number, unit] = DURATION.exec(text) ?? [];
  return Number(number) * (UNITS[unit ?? ''] ?? Number.NaN);
}

/** A duration for people, in the largest unit that divides it: `3d`, `90m`. */
export function durationText(ms: number): string {
  const [unit, size] = Object.entries(UNITS).findLast(([, size]) => ms % size === 0) ?? ['s', 1000];
  return `${Math.round(ms / size)}${unit}`;
}
