import { randomBytes } from 'node:crypto';

/** Id prefix of every node type. The prefix tells which subgraph owns the id without a look-up. */
export const ID_PREFIXES = {
  User: 'usr',
  Session: 'ses',
  Room: 'rom',
  Message: 'msg',
  Notification: 'ntf',
  Track: 'trk',
  TrackComment: 'tcm',
  LiveRoom: 'liv',
  LiveParticipant: 'lpt',
  Recording: 'rec',
  RecordingFile: 'rcf',
  Product: 'prd',
  ProductVariant: 'pvr',
  Cart: 'crt',
  CartLine: 'cln',
  Order: 'ord',
  OrderLine: 'oln',
  Payment: 'pay',
  Refund: 'rfd',
  Licence: 'lic',
  Event: 'evt',
} as const;

export type IdType = keyof typeof ID_PREFIXES;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const BODY_CHARS = 26;
const BODY = new RegExp(`^[0-7][${ALPHABET}]{${BODY_CHARS - 1}}$`);

/**
 * A new id such as `trk_01jd3v…`: prefix, then a UUIDv7 in Crockford base 32 (26 chars).
 * Ids of one type sort by their creation time, to the millisecond.
 */
export function newId(type: IdType, nowMs: number = Date.now()): string {
  return `${ID_PREFIXES[type]}_${uuid7Body(nowMs)}`;
}

/** Whether `value` is a well-formed id of `type`; it says nothing about existence. */
export function isId(type: IdType, value: string): boolean {
  const prefix = ID_PREFIXES[type];
  return value.startsWith(`${prefix}_`) && BODY.test(value.slice(prefix.length + 1));
}

/** Those of `values` that are well-formed ids of `type`: others exist nowhere, and may hold what PostgreSQL does not take as text. */
export const idsOf = (type: IdType, values: readonly string[]): string[] =>
  values.filter((value) => isId(type, value));

function uuid7Body(nowMs: number): string {
  const random = randomBytes(10);
  let bits = (BigInt(nowMs) & 0xffff_ffff_ffffn) << 80n;
  bits |= BigInt(`0x${random.toString('hex')}`);
  bits = (bits & ~(0xfn << 76n)) | (0x7n << 76n);
  bits = (bits & ~(0x3n << 62n)) | (0x2n << 62n);
  let text = '';
  for (let shift = 125n; shift >= 0n; shift -= 5n) text += ALPHABET[Number((bits >> shift) & 31n)];
  return text;
}
