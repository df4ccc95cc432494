import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';

/** How packets to a listener are protected; the names are mediasoup's. */
export const SUITES = ['AEAD_AES_128_GCM', 'AEAD_AES_256_GCM', 'AES_CM_128_HMAC_SHA1_80'] as const;
export type Suite = (typeof SUITES)[number];
export type GcmSuite = Exclude<Suite, 'AES_CM_128_HMAC_SHA1_80'>;

/** Returns the payload of a packet whose header (RFC 3550, extension included) has that length. Throws where the packet is not authentic. */
export type SrtpReader = (packet: Buffer, headerBytes: number) => Buffer;

/** Returns the protected packet, as it is sent. Packets of one stream come in their order. */
export type SrtpWriter = (packet: Buffer, headerBytes: number) => Buffer;

const MASTER_KEY_BYTES = {
  AEAD_AES_128_GCM: 16,
  AEAD_AES_256_GCM: 32,
  AES_CM_128_HMAC_SHA1_80: 16,
} as const;
const LABEL = { encryption: 0, authentication: 1, salt: 2 } as const;
const GCM_TAG_BYTES = 16;
const GCM_SALT_BYTES = 12;
const HMAC_KEY_BYTES = 20;
const HMAC_TAG_BYTES = 10;
const BLOCK_BYTES = 16;
const HALF_SEQUENCE = 0x8000;

/** Reads one stream, with the master key and salt that its sender was given (base64). Not for several SSRCs: it counts rollovers of one. */
export function createSrtpReader(suite: Suite, keyBase64: string): SrtpReader {
  const derive = derivationOf(suite, keyBase64);
  const indexOf = rolloverCounter();
  if (suite === 'AES_CM_128_HMAC_SHA1_80') return counterModeReader(derive, indexOf);
  return gcmReader(suite, derive, indexOf);
}

/** Protects one stream, as its first packet on. Galois/counter mode only: it is what browsers negotiate. */
export function createSrtpWriter(suite: GcmSuite, keyBase64: string): SrtpWriter {
  const { cipher, key, ivOf } = gcmOf(suite, derivationOf(suite, keyBase64));
  const indexOf = rolloverCounter();
  return (packet, headerBytes) => {
    const encryption = createCipheriv(cipher, key, ivOf(packet, indexOf(packet)));
    const header = packet.subarray(0, headerBytes);
    encryption.setAAD(header);
    const payload = [encryption.update(packet.subarray(headerBytes)), encryption.final()];
    return Buffer.concat([header, ...payload, encryption.getAuthTag()]);
  };
}

const derivationOf = (suite: Suite, keyBase64: string): Derive =>
  keyDerivation(Buffer.from(keyBase64, 'base64'), MASTER_KEY_BYTES[suite]);

type Derive = (label: number, bytes: number) => Buffer;

/** RFC 3711, 4.3: AES in counter mode over label and salt; 4.3.3 for AES-128, RFC 6188 for AES-256. */
function keyDerivation(master: Buffer, keyBytes: number): Derive {
  const key = master.subarray(0, keyBytes);
  const salt = Buffer.alloc(BLOCK_BYTES);
  master.copy(salt, 0, keyBytes);
  return (label, bytes) => {
    const counter = Buffer.from(salt);
    counter.writeUInt8(counter.readUInt8(7) ^ label, 7);
    return createCipheriv(`aes-${keyBytes * 8}-ctr`, key, counter).update(Buffer.alloc(bytes));
  };
}

interface PacketIndex {
  readonly rollovers: number;
  readonly sequence: number;
}

/** RFC 3711, 3.3.1, for packets that come in order or nearly so. */
function rolloverCounter(): (packet: Buffer) => PacketIndex {
  let last: number | null = null;
  let rollovers = 0;
  return (packet) => {
    const sequence = packet.readUInt16BE(2);
    if (last !== null && last - sequence > HALF_SEQUENCE) rollovers += 1;
    last = sequence;
    return { rollovers, sequence };
  };
}

/** RFC 7714, 8 and 9. */
function gcmOf(suite: GcmSuite, derive: Derive) {
  const cipher = suite === 'AEAD_AES_128_GCM' ? 'aes-128-gcm' : 'aes-256-gcm';
  const key = derive(LABEL.encryption, MASTER_KEY_BYTES[suite]);
  const salt = derive(LABEL.salt, GCM_SALT_BYTES);
  const ivOf = (packet: Buffer, { rollovers, sequence }: PacketIndex): Buffer => {
    const iv = Buffer.from(salt);
    iv.writeUInt32BE((iv.readUInt32BE(2) ^ packet.readUInt32BE(8)) >>> 0, 2);
    iv.writeUInt32BE((iv.readUInt32BE(6) ^ rollovers) >>> 0, 6);
    iv.writeUInt16BE(iv.readUInt16BE(10) ^ sequence, 10);
    return iv;
  };
  return { cipher, key, ivOf } as const;
}

function gcmReader(suite: GcmSuite, derive: Derive, indexOf: (packet: Buffer) => PacketIndex): SrtpReader {
  const { cipher, key, ivOf } = gcmOf(suite, derive);
  return (packet, headerBytes) => {
    const decipher = createDecipheriv(cipher, key, ivOf(packet, indexOf(packet)));
    const tagAt = packet.length - GCM_TAG_BYTES;
    decipher.setAAD(packet.subarray(0, headerBytes)).setAuthTag(packet.subarray(tagAt));
    const payload = decipher.update(packet.subarray(headerBytes, tagAt));
    decipher.final();
    return payload;
  };
}

/** RFC 3711, 4.1.1 and 4.2.1. */
function counterModeReader(derive: Derive, indexOf: (packet: Buffer) => PacketIndex): SrtpReader {
  const key = derive(LABEL.encryption, 16);
  const salt = Buffer.concat([derive(LABEL.salt, 14), Buffer.alloc(2)]);
  const hmacKey = derive(LABEL.authentication, HMAC_KEY_BYTES);
  return (packet, headerBytes) => {
    const { rollovers, sequence } = indexOf(packet);
    const tagAt = packet.length - HMAC_TAG_BYTES;
    const counted = Buffer.alloc(4);
    counted.writeUInt32BE(rollovers);
    const tag = createHmac('sha1', hmacKey).update(packet.subarray(0, tagAt)).update(counted).digest();
    if (!timingSafeEqual(tag.subarray(0, HMAC_TAG_BYTES), packet.subarray(tagAt)))
      throw new Error('the packet is not authentic');
    const iv = Buffer.from(salt);
    iv.writeUInt32BE((iv.readUInt32BE(4) ^ packet.readUInt32BE(8)) >>> 0, 4);
    iv.writeUInt32BE((iv.readUInt32BE(8) ^ rollovers) >>> 0, 8);
    iv.writeUInt16BE(iv.readUInt16BE(12) ^ sequence, 12);
    return createDecipheriv('aes-128-ctr', key, iv).update(packet.subarray(headerBytes, tagAt));
  };
}
