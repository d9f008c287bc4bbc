/**
 * How old the newest partition of a feed may be before somebody is told. Pure.
 *
 * Freshness is measured by sealed partitions, never by times in rows: an export without rows is as fresh as any other.
 * A partition's age counts from the start of the period it covers. So for a feed of cadence C that arrives on time, the
 * newest partition is C old when its period ends, and almost 2 C old when the next period ends. Beyond that the limits
 * leave the vendor time to export (20 to 30 minutes for feeds of every 15 minutes) and the next run time to come round.
 */

/** `off`: nothing more is expected, as from an archive. */
export type FreshnessRule = 'off' | AgeLimits;

/** In milliseconds, from the start of the newest partition. */
export interface AgeLimits {
  warnAfter?: number;
  errorAfter?: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Assumed for a feed that no document describes and that has not arrived often enough to learn from. */
const ASSUMED_CADENCE_MINUTES = 1440;

/**
 * Limits that allow for one late delivery, but not for two missing ones: 15m becomes 3h45m, 1h becomes 6h, 1d becomes
 * 3d3h.
 */
function defaultAgeLimits(cadenceMinutes: number): Required<AgeLimits> {
  const cadence = cadenceMinutes * MINUTE;
  return { warnAfter: 2.5 * cadence + 2 * HOUR, errorAfter: 3 * cadence + 3 * HOUR };
}

/** How fresh a feed is: `due` past its warning, `late` past its grace. */
export type FreshnessState = 'fresh' | 'due' | 'late';

/**
 * @param rules what the configuration says, the most specific first
 * @param cadenceMinutes documented or learned, whichever is longer; null when neither is known
 * @returns undefined when nothing is expected of the feed
 */
export function ageLimits(
  rules: readonly (FreshnessRule | undefined)[],
  cadenceMinutes: number | null,
): Required<AgeLimits> | undefined {
  const said = rules.find((rule) => rule !== undefined && (rule === 'off' || !isEmpty(rule)));
  if (said === 'off') return undefined;
  const usual = defaultAgeLimits(cadenceMinutes ?? ASSUMED_CADENCE_MINUTES);
  const errorAfter = said?.errorAfter ?? Math.max(usual.errorAfter, said?.warnAfter ?? 0);
  return { errorAfter, warnAfter: said?.warnAfter ?? Math.min(usual.warnAfter, errorAfter) };
}

function isEmpty({ warnAfter, errorAfter }: AgeLimits): boolean {
  return warnAfter === undefined && errorAfter === undefined;
}

export function freshnessState(
  newest: Date,
  { warnAfter, errorAfter }: Required<AgeLimits>,
  now: Date,
): FreshnessState {
  const age = now.getTime() - newest.getTime();
  return age > errorAfter ? 'late' : age > warnAfter ? 'due' : 'fresh';
}
