import { CodedError } from '#platform/errors.ts';

/** What a player wants to be in the playlist before it is answered (RFC 8216bis, 6.2.5.2). */
export interface DeliveryDirectives {
  readonly msn: number;
  /** Null: all of the segment. */
  readonly part: number | null;
}

const [MSN, PART] = ['_HLS_msn', '_HLS_part'];
const DECIMAL_INTEGER = /^\d{1,15}$/;

/** Null where the playlist is wanted as it is. Others than these are not offered, and ignored. Throws BAD_REQUEST. */
export function readDeliveryDirectives(parameters: URLSearchParams): DeliveryDirectives | null {
  const [msn, part] = [readInteger(parameters, MSN), readInteger(parameters, PART)];
  if (msn !== null) return { msn, part };
  if (part === null) return null;
  throw new CodedError('BAD_REQUEST', `${PART} says nothing without ${MSN}.`);
}

function readInteger(parameters: URLSearchParams, name: string): number | null {
  const text = parameters.get(name);
  if (text === null) return null;
  if (!DECIMAL_INTEGER.test(text)) throw new CodedError('BAD_REQUEST', `${name} is no decimal integer.`);
  return Number(text);
}
