import { invalid, refuseIfAny, type UserErrorData } from '#platform/errors.ts';

export type Resolution = 'HOUR' | 'DAY' | 'WEEK' | 'MONTH';

export interface InsightsRange {
  readonly from: Date;
  readonly to: Date;
  /** IANA name. */
  readonly timezone: string;
}

const MAX_POINTS = 1_000;
const HOUR_MS = 3_600_000;
// Months by their shortest, so that the estimate is never too low.
const STEP_MS: Readonly<Record<Resolution, number>> = {
  HOUR: HOUR_MS,
  DAY: 24 * HOUR_MS,
  WEEK: 7 * 24 * HOUR_MS,
  MONTH: 28 * 24 * HOUR_MS,
};
const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);
// Abbreviations and offsets mean one thing to the runtime and another to PostgreSQL (`IST`, `+05:30`): names with an area only.
const ZONE = /^(UTC|[A-Za-z_]+(\/[A-Za-z0-9_+-]+){1,2})$/;

/** Refuses with every rule that the range breaks. */
export function requireRange(range: InsightsRange, resolution: Resolution): void {
  refuseIfAny([...checkZone(range.timezone), ...checkInstants(range), ...checkPoints(range, resolution)]);
}

function checkZone(timezone: string): UserErrorData[] {
  return ZONE.test(timezone) && isKnownZone(timezone)
    ? []
    : [invalid('range.timezone', 'UNKNOWN_TIMEZONE', 'Use an IANA name such as Europe/Paris, or UTC.')];
}

function isKnownZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).format(0) !== '';
  } catch {
    return false;
  }
}

function checkInstants({ from, to }: InsightsRange): UserErrorData[] {
  const errors: UserErrorData[] = [];
  if (from.getTime() < EARLIEST)
    errors.push(invalid('range.from', 'OUT_OF_RANGE', 'from must lie in or after the year 2000.'));
  if (to.getTime() > LATEST)
    errors.push(invalid('range.to', 'OUT_OF_RANGE', 'to must lie before the year 2100.'));
  if (to.getTime() <= from.getTime())
    errors.push(invalid('range.to', 'OUT_OF_RANGE', 'to must be later than from.'));
  return errors;
}

function checkPoints({ from, to }: InsightsRange, resolution: Resolution): UserErrorData[] {
  // Two more, for the steps at both ends that the range only touches.
  const points = (to.getTime() - from.getTime()) / STEP_MS[resolution] + 2;
  if (points <= MAX_POINTS) return [];
  return [invalid('range', 'TOO_MANY_POINTS', `At most ${MAX_POINTS} steps; take longer ones.`)];
}

/**
 * The begins of the steps that hold the range, and the end of the last one, out of ascending `candidates` that reach beyond it on both sides.
 * An hour that happens twice can put the begin of a day behind `from`, so the first one is looked for, not computed.
 */
export function widen(candidates: readonly Date[], from: Date, to: Date): Date[] {
  const first = candidates.findLastIndex((at) => at <= from);
  const last = candidates.findIndex((at) => at >= to);
  return candidates.slice(first, last + 1);
}
