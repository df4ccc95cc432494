import { invalid, Refusal, type UserErrorData } from '#platform/errors.ts';

/** An exact amount: whole minor units (cents; yen), never a fraction of one. */
export interface Money {
  readonly amountMinor: bigint;
  /** ISO 4217. */
  readonly currency: Currency;
}

/** How many decimals each currency has, which is what one minor unit means (ISO 4217). */
const DECIMALS = { EUR: 2, USD: 2, GBP: 2, CHF: 2, SEK: 2, JPY: 0 } as const;

export type Currency = keyof typeof DECIMALS;

export const DEFAULT_CURRENCY: Currency = 'EUR';

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

function isCurrency(text: string): text is Currency {
  return Object.hasOwn(DECIMALS, text);
}

/** Refuses currencies in which nothing is sold here. */
export function requireCurrency(field: string, text: string): Currency {
  if (isCurrency(text)) return text;
  const known = Object.keys(DECIMALS).join(', ');
  throw new Refusal(invalid(field, 'UNKNOWN_CURRENCY', `The currency must be one of ${known}.`));
}

/** Minor units of a decimal text such as `12.5`; the broken rule where it has more decimals than the currency. */
export function parseAmount(field: string, text: string, currency: Currency): bigint | UserErrorData {
  const [, sign, whole, fraction = ''] = DECIMAL.exec(text) ?? [];
  if (whole === undefined) return invalid(field, 'MALFORMED_AMOUNT', 'This must be a decimal number.');
  const decimals = DECIMALS[currency];
  const significant = fraction.replace(/0+$/, '');
  if (significant.length > decimals)
    return invalid(field, 'TOO_PRECISE', `${currency} has ${decimals} decimals.`);
  const minor = BigInt(whole + significant.padEnd(decimals, '0'));
  return sign === '-' ? -minor : minor;
}

/** As parseAmount, but a broken rule is thrown. */
export function requireAmount(field: string, text: string, currency: Currency): bigint {
  const amount = parseAmount(field, text, currency);
  if (typeof amount !== 'bigint') throw new Refusal(amount);
  return amount;
}

/** The amount as a decimal text with exactly the decimals of its currency. */
export function formatAmount({ amountMinor, currency }: Money): string {
  const decimals = DECIMALS[currency];
  const negative = amountMinor < 0n;
  const digits = String(negative ? -amountMinor : amountMinor).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const text = decimals === 0 ? whole : `${whole}.${digits.slice(-decimals)}`;
  return negative ? `-${text}` : text;
}

export function multiply({ amountMinor, currency }: Money, times: number): Money {
  return { amountMinor: amountMinor * BigInt(times), currency };
}

/** Null for no amounts. Throws where currencies are mixed: callers refuse such lists before. */
export function sum(amounts: readonly Money[]): Money | null {
  const [first] = amounts;
  if (!first) return null;
  if (amounts.some(({ currency }) => currency !== first.currency))
    throw new Error('Amounts of different currencies cannot be added.');
  const amountMinor = amounts.reduce((total, amount) => total + amount.amountMinor, 0n);
  return { amountMinor, currency: first.currency };
}
