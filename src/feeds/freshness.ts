/**
 * How old the newest partition of a feed may be. Pure.
 *
 * It goes by sealed partitions, never by times in rows: an export with no rows is fresh all the same. The age of a
 * partition is counted from the start of what it covers. Of a feed of cadence C that comes in time it is C when the
 * partition is over, and 2 C just before the next one is, and then the vendor needs some time (20 to 30 minutes for the
 * feeds of every 15 minutes) and the next run has to come.
 */

/** `off`: nobody expects anything more, as of an archive. */
export type FreshnessRule = 'off' | Ages;

/** In milliseconds, from the start of the newest partition. */
export interface Ages {
  warnAfter?: number;
  errorAfter?: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A feed that nobody documents, and that did not come often enough to be learned from. */
const SUPPOSED_CADENCE_MINUTES = 1440;

/** Ages that leave room for one delivery that is late, and none for two that failed: 15m has 3h45m, 1h 6h, 1d 3d3h. */
function usualAges(cadenceMinutes: number): Required<Ages> {
  const cadence = cadenceMinutes * MINUTE;
  return { warnAfter: 2.5 * cadence + 2 * HOUR, errorAfter: 3 * cadence + 3 * HOUR };
}

/** How fresh a feed is: `due` past its warning, `late` past its grace. */
export type FreshnessState = 'fresh' | 'due' | 'late';

/**
 * @param rules what the configuration says, the most particular first
 * @param cadenceMinutes documented or learned, whichever is longer; null when neither is there
 * @returns undefined when nobody expects the feed
 */
export function agesOf(
  rules: readonly (FreshnessRule | undefined)[],
  cadenceMinutes: number | null,
): Required<Ages> | undefined {
  const said = rules.find((rule) => rule !== undefined && (rule === 'off' || !isEmpty(rule)));
  if (said === 'off') return undefined;
  const usual = usualAges(cadenceMinutes ?? SUPPOSED_CADENCE_MINUTES);
  const errorAfter = said?.errorAfter ?? Math.max(usual.errorAfter, said?.warnAfter ?? 0);
  return { errorAfter, warnAfter: said?.warnAfter ?? Math.min(usual.warnAfter, errorAfter) };
}

function isEmpty({ warnAfter, errorAfter }: Ages): boolean {
  return warnAfter === undefined && errorAfter === undefined;
}

export function freshnessOf(
  newest: Date,
  { warnAfter, errorAfter }: Required<Ages>,
  now: Date,
): FreshnessState {
  const age = now.getTime() - newest.getTime();
  return age > errorAfter ? 'late' : age > warnAfter ? 'due' : 'fresh';
}
