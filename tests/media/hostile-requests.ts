import { signMediaGrant } from '#platform/media-grant.ts';
import { LIVE_ROLES } from '#schema/live-role.ts';
import { MAX_FRAME_BYTES, REQUESTS } from '#schema/signalling.ts';
import type { RtpCapabilities } from '#schema/rtp.ts';
import { grantFor, opusStream, SECRET } from './media-kit.ts';

/** A request that a hostile client may send. */
export interface HostileRequest {
  readonly method: string;
  readonly data: unknown;
}

/** Those of REQUESTS that do not end the connection, several times for what builds something up. */
const METHODS = [
  ...Object.keys(REQUESTS).filter((method) => method !== 'leave'),
  ...['createTransport', 'produce', 'produce', 'consume', 'consume', 'consume', 'resumeConsumer'],
];
const STRANGE_METHODS = ['leave', 'toString', 'constructor', '__proto__', '', 'x'.repeat(64)] as const;

/** What a hostile client can know. */
export interface Loot {
  readonly liveRoomId: string;
  readonly rtpCapabilities: RtpCapabilities;
  /** Ids that the server has told it, by their names in answers, the newest last. */
  readonly own: ReadonlyMap<string, readonly string[]>;
  /** Ids of others, of any kind. */
  readonly others: readonly string[];
}

/** Requests and frames out of `random`: well formed, nearly so, and not at all. */
export function createHostility(random: () => number) {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(choices: readonly [T, ...T[]]): T => choices[below(choices.length)] ?? choices[0];
  const chance = (probability: number) => random() < probability;

  const token = (liveRoomId: string) => {
    const role = pick(LIVE_ROLES);
    const participantId = `lpt_hostile_${below(30)}`;
    const claims = { liveRoomId: chance(0.9) ? liveRoomId : `liv_${below(4)}`, participantId, role };
    const expiresAtMs = chance(0.03) ? 1 : grantFor().expiresAtMs;
    const signed = signMediaGrant(grantFor({ ...claims, expiresAtMs, muted: chance(0.1) }), SECRET);
    return chance(0.97) ? signed : signed.slice(below(20));
  };
  const text = () => pick(['', 'x', '__proto__', '\u0000', '�', 'x'.repeat(5_000), '../..', '😀'.repeat(20)]);
  const junk = (): unknown =>
    pick<() => unknown>([
      () => null,
      () => below(2 ** 31) - 2 ** 30,
      () => 1e308,
      () => chance(0.5),
      text,
      () => [],
      () => Array.from({ length: below(70) }, () => below(9)),
      () => ({}),
      () => ({ constructor: { prototype: { polluted: true } }, length: -1 }),
      () => ({ a: { b: { c: [junk()] } } }),
    ])();
  const oneOf = (ids: readonly string[]): unknown => (ids.length > 0 ? ids[below(ids.length)] : text());
  const id = (name: string, { own, others }: Loot): unknown => {
    if (chance(0.85)) return oneOf((own.get(name) ?? []).slice(-2));
    return chance(0.8) ? oneOf(others) : junk();
  };
  const dtlsParameters = () => ({
    role: pick<unknown>(['auto', 'client', 'server', 'none']),
    fingerprints: Array.from({ length: below(3) }, () => ({
      algorithm: pick(['sha-1', 'sha-256', 'sha-512', 'md5']),
      value: Array.from({ length: pick([16, 32, 20, 64]) }, () => 'AB').join(':'),
    })),
  });
  const rtpParameters = () => {
    const stream = opusStream(chance(0.8) ? below(0xffff_ffff) : 7);
    const changes: readonly [object, ...object[]] = [
      {},
      { codecs: [] },
      { codecs: [...stream.codecs, ...stream.codecs] },
      { encodings: [] },
      { encodings: [{ ssrc: 1 }, { ssrc: 1 }] },
      { encodings: [{ rid: 'a' }] },
      { mid: text() },
      { headerExtensions: [{ uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: below(300) }] },
      { rtcp: { cname: text() } },
      { codecs: [{ mimeType: 'audio/opus', payloadType: below(140), clockRate: below(3) * 24_000 }] },
    ];
    return { ...stream, ...(chance(0.7) ? {} : pick(changes)) };
  };

  const fitting = (method: string, loot: Loot): unknown => {
    const { rtpCapabilities } = loot;
    const transportId = id('transportId', loot);
    const data: Readonly<Record<string, () => unknown>> = {
      authenticate: () => ({ token: token(loot.liveRoomId) }),
      join: () => ({ rtpCapabilities: chance(0.8) ? rtpCapabilities : { codecs: [] } }),
      createTransport: () => ({ direction: pick(['send', 'recv']) }),
      connectTransport: () => ({ transportId, dtlsParameters: dtlsParameters() }),
      restartIce: () => ({ transportId }),
      produce: () => ({ transportId, rtpParameters: rtpParameters(), paused: chance(0.3) }),
      // The first of the others' ids is that of a stream.
      consume: () => ({
        producerId: chance(0.5) ? loot.others[0] : chance(0.9) ? oneOf(loot.others) : junk(),
      }),
      resumeConsumer: () => ({ consumerId: id('consumerId', loot) }),
    };
    return Object.hasOwn(data, method) ? data[method]?.() : { producerId: id('producerId', loot) };
  };

  const request = (loot: Loot): HostileRequest => {
    const method = chance(0.95) ? (METHODS[below(METHODS.length)] ?? 'ping') : pick(STRANGE_METHODS);
    const data = chance(0.9) ? fitting(method, loot) : junk();
    // Keys too many, keys missing, keys of others.
    if (chance(0.1) && typeof data === 'object')
      return { method, data: { ...data, extra: junk(), id: junk() } };
    return { method, data };
  };

  /** A frame that no client of ours sends. */
  const frame = ({ others }: Loot): string | Buffer =>
    pick<() => string | Buffer>([
      () => '{"id":',
      () => JSON.stringify(junk()),
      () => JSON.stringify({ id: junk(), method: junk(), data: junk() }),
      () => `{"__proto__":{"polluted":true},"id":${below(9)},"method":"ping"}`,
      () =>
        `{"id":${2 ** 31 + below(9)},"method":"consume","data":{"__proto__":{"polluted":true},"producerId":"${others[0]}"}}`,
      () => `{"id":${'9'.repeat(400)},"method":"ping"}`,
      () => '['.repeat(20_000),
      () => Buffer.from(Array.from({ length: below(100) }, () => below(256))),
      () => 'x'.repeat(pick([MAX_FRAME_BYTES + 1, 5 * MAX_FRAME_BYTES])),
    ])();

  return { below, chance, token, request, frame };
}

export type Hostility = ReturnType<typeof createHostility>;
