import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ParticipantConnection } from '#schema/connection-quality.ts';
import type { LiveRole } from '#schema/live-role.ts';
import type { ParticipantInfo } from '#schema/signalling.ts';
import {
  judgeConnection,
  notableConnections,
  type ConnectionSample,
  type JudgedConnection,
} from '../../media-server/domain/connection-quality.ts';
import { rosterChanges } from '../../media-server/domain/roster-changes.ts';
import { Rotation } from '../../media-server/domain/rotation.ts';

const SAMPLE: ConnectionSample = { atMs: 0, isUp: true, bytesReceived: 1, streams: [] };

/** Samples every two seconds, a hundred packets apart. */
function follow(samples: readonly Partial<ConnectionSample & { loss: number; roundTripMs: number }>[]) {
  let judged: JudgedConnection | null = null;
  let lost = 0;
  return samples.map(({ loss = 0, roundTripMs = 40, ...given }, index) => {
    lost += Math.round(loss * 100);
    const stream = { streamId: 'a', packets: index * 100, lost, jitterMs: 5, roundTripMs };
    const counted = { ...SAMPLE, atMs: index * 2_000, bytesReceived: index + 1, streams: [stream] };
    judged = judgeConnection(judged, { ...counted, ...given });
    return judged;
  });
}
const qualities = (samples: Parameters<typeof follow>[0]) =>
  follow(samples).map((one) => one?.quality ?? null);
const lastOf = (samples: Parameters<typeof follow>[0]) => qualities(samples).at(-1);
const many = (sample: Parameters<typeof follow>[0][number]) => Array.from({ length: 8 }, () => sample);

describe('the quality of a connection', () => {
  it('is unknown until the connection stands', () => {
    assert.deepEqual(qualities([{ isUp: false }, {}]), [null, 'EXCELLENT']);
  });

  it('falls with loss, delay and jitter', () => {
    assert.equal(lastOf(many({ loss: 0.01 })), 'EXCELLENT');
    assert.equal(lastOf(many({ loss: 0.05 })), 'GOOD');
    assert.equal(lastOf(many({ loss: 0.3 })), 'POOR');
    assert.equal(lastOf(many({ roundTripMs: 450 })), 'GOOD');
    assert.equal(lastOf(many({ roundTripMs: 1_500 })), 'POOR');
  });

  it('gets over one bad moment', () => {
    const seen = qualities([{}, { loss: 0.6 }, {}, {}, {}, {}, {}]);
    assert.deepEqual([seen[1], seen.at(-1)], ['POOR', 'EXCELLENT']);
  });

  it('is LOST once nothing came for six seconds, and at once where ICE or DTLS broke', () => {
    const silent = { bytesReceived: 7 };
    assert.deepEqual(qualities([silent, silent, silent, silent]).slice(2), ['EXCELLENT', 'LOST']);
    assert.deepEqual(qualities([{}, { isUp: false }, {}]), ['EXCELLENT', 'LOST', 'EXCELLENT']);
  });

  it('does not take a stream that is new, or pauses, for one without loss', () => {
    const [, bad] = follow([{}, { loss: 0.6 }]);
    const paused = judgeConnection(bad ?? null, { ...SAMPLE, atMs: 4_000, bytesReceived: 9, streams: [] });
    assert.deepEqual([paused?.lossRatio, paused?.quality], [bad?.lossRatio, 'POOR']);
    const streams = [{ streamId: 'b', packets: 900, lost: 90, jitterMs: 5, roundTripMs: null }];
    const renewed = judgeConnection(bad ?? null, { ...SAMPLE, atMs: 4_000, bytesReceived: 9, streams });
    assert.deepEqual([renewed?.lossRatio, renewed?.roundTripMs], [bad?.lossRatio, 40]);
  });
});

it('is told of people on other servers when it is another, and not when it is not known any more', () => {
  const ada: ParticipantInfo = {
    participantId: 'a',
    userId: 'u',
    role: 'SPEAKER',
    muted: false,
    producers: [],
  };
  const good: ParticipantInfo = { ...ada, quality: 'GOOD' };
  const poor: ParticipantInfo = { ...ada, quality: 'POOR' };
  const told = (quality: string) => [{ event: 'connectionChanged', data: { participantId: 'a', quality } }];
  assert.deepEqual(rosterChanges(ada, good), told('GOOD'));
  assert.deepEqual(rosterChanges(good, poor), told('POOR'));
  assert.deepEqual([...rosterChanges(poor, poor), ...rosterChanges(poor, ada)], []);
});

describe('a rotation', () => {
  const people = Array.from({ length: 5 }, (_, number) => ({ number }));
  const numbers = (taken: readonly { number: number }[]) => taken.map(({ number }) => number);

  it('comes to everybody, however few have a turn in one round, and to newcomers first', () => {
    const rotation = new Rotation<{ number: number }>();
    assert.deepEqual(numbers(rotation.take(people, 2)), [0, 1]);
    assert.deepEqual(numbers(rotation.take([...people, { number: 9 }], 4)), [2, 3, 4, 9]);
    assert.deepEqual(numbers(rotation.take(people, 3)), [0, 1, 2]);
    assert.deepEqual(numbers(rotation.take([], 3)), []);
  });
});

it('of many connections tells those of speakers, and then the worst', () => {
  const connection = (participantId: string, score: number): ParticipantConnection => ({
    ...{ participantId, score, quality: 'GOOD', lossRatio: 0, jitterMs: 0, roundTripMs: null },
  });
  const person = (id: string, score: number, role: LiveRole = 'LISTENER') => ({
    ...{ role, measured: connection(id, score) },
  });
  const people = [
    person('fine', 90),
    person('worse', 20),
    person('speaker', 93, 'SPEAKER'),
    { role: 'LISTENER' as const, measured: null },
    person('bad', 40),
  ];
  const told = (most: number) => notableConnections(people, most).map(({ participantId }) => participantId);
  assert.deepEqual(told(3), ['speaker', 'worse', 'bad']);
  assert.deepEqual(told(4), ['fine', 'worse', 'speaker', 'bad']);
});
