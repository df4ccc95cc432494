import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MEDIA_HEARTBEAT_MS, MEDIA_HEARTBEAT_TOPIC, connectionsTopic } from '#schema/media-bus.ts';
import { UPSTREAMS } from '../support/subgraph-upstreams.ts';
import { endOf, take, until } from './result-streams.ts';
import { enter, must, newUser, openLiveRoom, startStream, type Stream } from './stream-kit.ts';

const CONNECTION = 'connection { quality score lossRatio jitterMs roundTripMs }';
const PARTICIPANTS = `query ($id: ID!) { liveRoom(id: $id) { participants { nodes { id ${CONNECTION} } } } }`;
const FOLLOW = `subscription ($id: ID!) { liveConnections(liveRoomId: $id) { liveRoomId participants { participantId ${CONNECTION} } } }`;

const GOOD = { quality: 'GOOD', score: 74, lossRatio: 0.05, jitterMs: 3.5, roundTripMs: null } as const;
const SERVER = 'media-c1';

describe('a participant’s connection', () => {
  let stream: Stream;
  let offsetMs = 0;
  before(async () => void (stream = await startStream({ now: () => new Date(Date.now() + offsetMs) })));
  after(() => stream.close());

  const connectionsIn = async (id: string): Promise<unknown[]> => {
    const { liveRoom } = await stream.data(null, PARTICIPANTS, { id });
    return liveRoom.participants.nodes.map(({ connection }: { connection: unknown }) => connection);
  };
  const beat = (liveRoomId: string, participantId: string, connections: unknown[], serverId = SERVER) => {
    const room = { liveRoomId, participantIds: [participantId], connections };
    return stream.liveBus.publish(MEDIA_HEARTBEAT_TOPIC, { serverId, available: true, rooms: [room] });
  };

  it('is what the media server said last, and nothing before it or long after it', async () => {
    const id = await openLiveRoom(stream, newUser());
    const participantId = await enter(stream, newUser(), id, SERVER);
    assert.deepEqual(await connectionsIn(id), [null]);
    await beat(id, participantId, [{ participantId, ...GOOD }]);
    await until(async () => (await connectionsIn(id))[0] !== null);
    assert.deepEqual(await connectionsIn(id), [GOOD]);
    await beat(id, participantId, [{ participantId, ...GOOD, quality: 'LOST', score: 0 }]);
    const isLost = async () => JSON.stringify(await connectionsIn(id)).includes('LOST');
    await until(isLost);
    offsetMs += 4 * MEDIA_HEARTBEAT_MS + 1;
    assert.deepEqual(await connectionsIn(id), [null]);
  });
});

for (const upstream of UPSTREAMS)
  describe(`connections as they are followed by ${upstream}`, () => {
    let stream: Stream;
    before(async () => void (stream = await startStream({ upstream })));
    after(() => stream.close());

    it('come as the newest report of each media server, until the room is over', async () => {
      const host = newUser();
      const id = await openLiveRoom(stream, host);
      const feed = await stream.subscribe(null, FOLLOW, { id });
      const report = (serverId: string, score: number) => {
        const connections = [{ participantId: `lpt_${serverId}`, ...GOOD, score }];
        return stream.liveBus.publish(connectionsTopic(id), { liveRoomId: id, serverId, connections });
      };
      const next = async () => (await take(feed, 1))[0].liveConnections;
      await stream.liveBus.publish(connectionsTopic(id), { liveRoomId: id, connections: 'good' });
      // Before the first report is given: each server's gap begins there.
      const beginMs = performance.now();
      await report('a', 74);
      assert.deepEqual(await next(), {
        liveRoomId: id,
        participants: [{ participantId: 'lpt_a', connection: GOOD }],
      });
      await report('b', 70);
      for (let score = 61; score < 70; score++) await report('a', score);
      const last = new Map<string, number>();
      let reports = 0;
      while (last.get('lpt_a') !== 69 || last.get('lpt_b') !== 70) {
        for (const { participantId, connection } of (await next()).participants)
          last.set(participantId, connection.score);
        reports++;
      }
      const rounds = Math.floor((performance.now() - beginMs) / 2_000);
      assert.ok(reports <= 1 + rounds * 2, `${reports} reports`);
      await must(stream, host, 'endLiveRoom', { id });
      assert.equal(await endOf(feed), 'complete');
    });
  });
