import type { LicenceTerms } from './product.ts';

export interface Licence {
  readonly id: string;
  readonly holderId: string;
  readonly orderId: string;
  readonly productId: string;
  readonly variantId: string;
  readonly trackId: string | null;
  readonly terms: LicenceTerms;
  readonly serial: string;
  readonly issuedAt: Date;
  readonly revokedAt: Date | null;
}

const GROUP_CHARS = 5;
const GROUPS = 4;

/** Random bytes that a serial is made of: one for each of its characters. */
export const SERIAL_BYTES = GROUP_CHARS * GROUPS;

// Crockford's base 32: nothing in it is mistaken for something else when read aloud.
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** `SERIAL_BYTES` random bytes as a serial such as `7Q2M9-X4KD0-…`: 100 bits, so it cannot be guessed. */
export function serialOf(random: Uint8Array): string {
  const chars = Array.from(random, (byte) => ALPHABET[byte & 31]).join('');
  return chars.replace(/.{5}(?!$)/g, '$&-');
}
