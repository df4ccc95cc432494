const INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** The moment an RFC 3339 text names, or null. Years 1 to 9999; leap seconds are refused, because `Date` knows none. */
export function parseInstant(text: string): Date | null {
  const [, year, month, day] = INSTANT.exec(text) ?? [];
  if (year === undefined || month === undefined || day === undefined) return null;
  // `Date` would take the thirtieth of February for the second of March.
  const calendarDay = new Date(`${year}-${month}-${day}T00:00:00Z`);
  if (calendarDay.getUTCDate() !== Number(day)) return null;
  const date = new Date(text);
  const utcYear = date.getUTCFullYear();
  return utcYear >= 1 && utcYear <= 9_999 ? date : null;
}

export const isInstant = (text: string): boolean => parseInstant(text) !== null;
