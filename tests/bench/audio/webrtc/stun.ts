import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** A connectivity check of ICE (RFC 8445, 7.2.2), in the form of STUN (RFC 8489). */

const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const MAGIC_COOKIE = 0x2112_a442;
const HEADER_BYTES = 20;
const TRANSACTION_AT = 8;
const ATTRIBUTE = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  iceControlling: 0x802a,
} as const;
const FINGERPRINT_XOR = 0x5354_554e;
const FINGERPRINT_BYTES = 4;
const HMAC_BYTES = 20;
const ATTRIBUTE_HEAD_BYTES = 4;
/** Of a host candidate over UDP. */
const PRIORITY = 0x7eff_ffff;

export interface IceCredentials {
  readonly usernameFragment: string;
  readonly password: string;
}

/** A request of the side in control that takes the way it goes for good. `remote` is whom it goes to. */
export function bindingRequest(ownFragment: string, remote: IceCredentials): Buffer {
  const attributes = Buffer.concat([
    attribute(ATTRIBUTE.username, Buffer.from(`${remote.usernameFragment}:${ownFragment}`)),
    attribute(ATTRIBUTE.priority, unsigned(PRIORITY)),
    attribute(ATTRIBUTE.iceControlling, randomBytes(8)),
    attribute(ATTRIBUTE.useCandidate, Buffer.alloc(0)),
  ]);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(BINDING_REQUEST, 0);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  randomBytes(HEADER_BYTES - TRANSACTION_AT).copy(header, TRANSACTION_AT);
  let message = Buffer.concat([header, attributes]);
  // Each of the two covers what is before it, in a message that already says to be longer by it.
  setLength(message, HMAC_BYTES);
  const hmac = createHmac('sha1', remote.password).update(message).digest();
  message = Buffer.concat([message, attribute(ATTRIBUTE.messageIntegrity, hmac)]);
  setLength(message, FINGERPRINT_BYTES);
  const fingerprint = unsigned((crc32(message) ^ FINGERPRINT_XOR) >>> 0);
  return Buffer.concat([message, attribute(ATTRIBUTE.fingerprint, fingerprint)]);
}

/** Whether the message accepts `request` or refuses it; null where it is no answer to it. */
export function answerTo(request: Buffer, message: Buffer): 'accepted' | 'refused' | null {
  const transaction = message.subarray(TRANSACTION_AT, HEADER_BYTES);
  if (!transaction.equals(request.subarray(TRANSACTION_AT, HEADER_BYTES))) return null;
  return message.readUInt16BE(0) === BINDING_SUCCESS ? 'accepted' : 'refused';
}

function setLength(message: Buffer, nextBytes: number): void {
  message.writeUInt16BE(message.length - HEADER_BYTES + ATTRIBUTE_HEAD_BYTES + nextBytes, 2);
}

function attribute(type: number, value: Buffer): Buffer {
  const padded = Buffer.alloc(ATTRIBUTE_HEAD_BYTES + Math.ceil(value.length / 4) * 4);
  padded.writeUInt16BE(type, 0);
  padded.writeUInt16BE(value.length, 2);
  value.copy(padded, ATTRIBUTE_HEAD_BYTES);
  return padded;
}

function unsigned(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
