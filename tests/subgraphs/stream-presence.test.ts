import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  MEDIA_CONTROL_TOPIC,
  MEDIA_GONE_TOPIC,
  MEDIA_HEARTBEAT_MS,
  MEDIA_HEARTBEAT_TOPIC,
  RESUME_WINDOW_MS,
  mediaControl,
  type MediaHeartbeat,
} from '#schema/media-bus.ts';
import {
  enter,
  join,
  logOf,
  must,
  newUser,
  openLiveRoom,
  participantOf,
  startStream,
  tell,
  type Stream,
} from './stream-kit.ts';
import { until } from './result-streams.ts';

describe('who is connected to a live room', () => {
  let stream: Stream;
  let offsetMs = 0;
  const options = { now: () => new Date(Date.now() + offsetMs), sweepMs: 20 };
  before(async () => void (stream = await startStream(options)));
  after(() => stream.close());

  let servers = 0;
  const newServer = () => `media-p${++servers}`;
  const statusOf = async (id: string) => (await participantOf(stream, id))?.status;
  const beat = (
    serverId: string,
    rooms: Pick<MediaHeartbeat['rooms'][number], 'liveRoomId' | 'participantIds'>[],
  ) => stream.liveBus.publish(MEDIA_HEARTBEAT_TOPIC, { serverId, available: true, rooms });
  /** Lets the time pass in which a lost connection can be resumed. */
  const lapse = async (participantId: string) => {
    await until(async () => (await participantOf(stream, participantId))?.lost ?? false);
    offsetMs += RESUME_WINDOW_MS;
    await until(async () => (await statusOf(participantId)) === 'LEFT');
  };
  const gone = (liveRoomId: string, participantId: string, serverId: string, reason = 'CLIENT') =>
    tell(stream, `media:${serverId}`, 'media.participantDisconnected', {
      ...{ liveRoomId, participantId, serverId, reason },
    });

  it('follows the media server’s reports, and logs coming and going once', async () => {
    const serverId = newServer();
    const [id, guest] = [await openLiveRoom(stream, newUser()), newUser()];
    const participantId = await enter(stream, guest, id, serverId);
    const connection = { liveRoomId: id, participantId, serverId };
    await tell(stream, `media:${serverId}`, 'media.participantConnected', connection);
    await gone(id, participantId, serverId, 'CONNECTION_LOST');
    await lapse(participantId);
    await gone(id, participantId, serverId);
    assert.deepEqual((await logOf(stream, `live-room:${id}`)).slice(2), [
      'liveRoom.participantJoined',
      'liveRoom.participantLeft',
    ]);
    assert.equal((await participantOf(stream, participantId))?.reason, 'CONNECTION_LOST');
    offsetMs = 0;
  });

  it('is not changed by a late goodbye of a connection that was replaced', async () => {
    const [former, next] = [newServer(), newServer()];
    const [id, guest] = [await openLiveRoom(stream, newUser()), newUser()];
    const participantId = await enter(stream, guest, id, former);
    const connection = { liveRoomId: id, participantId, serverId: next };
    await tell(stream, `media:${next}`, 'media.participantConnected', connection);
    await until(async () => (await participantOf(stream, participantId))?.serverId === next);
    await gone(id, participantId, former);
    await gone(id, participantId, next, 'SERVER_SHUTDOWN');
    await lapse(participantId);
    assert.equal((await participantOf(stream, participantId))?.reason, 'SERVER_SHUTDOWN');
    offsetMs = 0;
  });

  it('tells the media server again to put out who was removed', async () => {
    const serverId = newServer();
    const [host, guest] = [newUser(), newUser()];
    const id = await openLiveRoom(stream, host);
    await enter(stream, host, id, serverId);
    const participantId = await enter(stream, guest, id, serverId);
    await must(stream, host, 'removeParticipant', { liveRoomId: id, participantId });
    const orders = await stream.liveBus.subscribe(MEDIA_CONTROL_TOPIC);
    const connection = { liveRoomId: id, participantId, serverId };
    await tell(stream, `media:${serverId}`, 'media.participantConnected', connection);
    const order = mediaControl.parse((await orders.next()).value);
    await orders.return();
    assert.deepEqual(order, { kind: 'remove', liveRoomId: id, participantId, reason: 'REMOVED' });
    assert.equal(await statusOf(participantId), 'LEFT');
  });

  it('ignores reports about rooms and people that do not exist', async () => {
    const [serverId, id] = [newServer(), await openLiveRoom(stream, newUser())];
    const participantId = await enter(stream, newUser(), id, serverId);
    const other = await openLiveRoom(stream, newUser());
    await gone('liv_x', participantId, serverId);
    await gone(other, participantId, serverId);
    await gone(id, 'lpt_x', serverId);
    const last = await enter(stream, newUser(), id, serverId);
    assert.deepEqual([await statusOf(last), await statusOf(participantId)], ['CONNECTED', 'CONNECTED']);
  });

  it('is put right by heartbeats: who is no longer reported is gone, who still is comes back', async () => {
    const serverId = newServer();
    const id = await openLiveRoom(stream, newUser());
    const stays = await enter(stream, newUser(), id, serverId);
    const lost = await enter(stream, newUser(), id, serverId);
    // A heartbeat that was on its way while they connected proves nothing.
    await beat(serverId, [{ liveRoomId: id, participantIds: [stays] }]);
    const late = await enter(stream, newUser(), id, serverId);
    assert.deepEqual([await statusOf(lost), await statusOf(late)], ['CONNECTED', 'CONNECTED']);
    offsetMs += 3 * MEDIA_HEARTBEAT_MS;
    await beat(serverId, [{ liveRoomId: id, participantIds: [stays, late] }]);
    await lapse(lost);
    assert.equal((await participantOf(stream, lost))?.reason, 'CONNECTION_LOST');
    assert.deepEqual([await statusOf(stays), await statusOf(late)], ['CONNECTED', 'CONNECTED']);
    offsetMs += 3 * MEDIA_HEARTBEAT_MS;
    await beat(serverId, [{ liveRoomId: id, participantIds: [stays, late, lost] }]);
    await until(async () => (await statusOf(lost)) === 'CONNECTED');
  });

  it('gives up everyone on a server that has fallen silent', async () => {
    const [dead, alive] = [newServer(), newServer()];
    const id = await openLiveRoom(stream, newUser());
    const lost = await enter(stream, newUser(), id, dead);
    const stays = await enter(stream, newUser(), id, alive);
    offsetMs += 5 * MEDIA_HEARTBEAT_MS;
    await beat(alive, [{ liveRoomId: id, participantIds: [stays] }]);
    await lapse(lost);
    assert.equal((await participantOf(stream, lost))?.reason, 'CONNECTION_LOST');
    assert.equal(await statusOf(stays), 'CONNECTED');
  });

  const isLost = async (id: string) => (await participantOf(stream, id))?.lost ?? false;

  it('follows at once where another media server says that one has ended, how well they were connected included', async () => {
    const dead = newServer();
    const id = await openLiveRoom(stream, newUser());
    const lost = await enter(stream, newUser(), id, dead);
    const measured = { participantId: lost, quality: 'GOOD', score: 70, lossRatio: 0, jitterMs: 1 };
    const connections = [{ ...measured, roundTripMs: 9 }];
    const rooms = [{ liveRoomId: id, participantIds: [lost], connections }];
    await stream.liveBus.publish(MEDIA_HEARTBEAT_TOPIC, { serverId: dead, available: true, rooms });
    const query = `{ liveRoom(id: "${id}") { participants { nodes { id connected connection { quality } } } } }`;
    const shown = async () => (await stream.data(null, query)).liveRoom.participants.nodes[0];
    await until(async () => (await shown()).connection?.quality === 'GOOD');
    await stream.liveBus.publish(MEDIA_GONE_TOPIC, { serverId: dead });
    await until(() => isLost(lost));
    assert.deepEqual(await shown(), { id: lost, connected: true, connection: null });
    // What was on its way comes late.
    const late = await join(stream, newUser(), id);
    const connection = { liveRoomId: id, participantId: late, serverId: dead };
    await tell(stream, `media:${dead}`, 'media.participantConnected', connection);
    await lapse(late);
    assert.equal(await statusOf(lost), 'LEFT');
    offsetMs = 0;
  });

  it('does not give up who came to a server that this process has never heard, before it had time to be heard', async () => {
    const id = await openLiveRoom(stream, newUser());
    const leaver = async () => {
      const serverId = newServer();
      const participantId = await enter(stream, newUser(), id, serverId);
      await gone(id, participantId, serverId, 'CONNECTION_LOST');
      await until(async () => (await participantOf(stream, participantId))?.lost ?? false);
      return participantId;
    };
    const first = await leaver();
    offsetMs += 1_000;
    const second = await leaver();
    offsetMs += RESUME_WINDOW_MS - 7_000;
    const late = await enter(stream, newUser(), id, newServer());
    offsetMs += 6_000;
    await until(async () => (await statusOf(first)) === 'LEFT');
    offsetMs += 1_000;
    // That is another look than the one that found the first: it looked at all servers before.
    await until(async () => (await statusOf(second)) === 'LEFT');
    assert.equal((await participantOf(stream, late))?.lost, false);
  });

  it('frees the place of who asked for a grant and never came', async () => {
    const id = await openLiveRoom(stream, newUser(), { capacity: 2 });
    await join(stream, newUser(), id);
    await join(stream, newUser(), id);
    await assert.rejects(join(stream, newUser(), id), /RoomFullError/);
    offsetMs += 61_000;
    await join(stream, newUser(), id);
  });

  it('is nobody once the room has ended, and a media server that missed it is told again', async () => {
    const serverId = newServer();
    const host = newUser();
    const id = await openLiveRoom(stream, host);
    const participantId = await enter(stream, newUser(), id, serverId);
    await must(stream, host, 'endLiveRoom', { id });
    assert.equal((await participantOf(stream, participantId))?.reason, 'ROOM_ENDED');
    const orders = await stream.liveBus.subscribe(MEDIA_CONTROL_TOPIC);
    offsetMs += 3 * MEDIA_HEARTBEAT_MS;
    await beat(serverId, [{ liveRoomId: id, participantIds: [participantId] }]);
    for await (const message of orders) {
      const order = mediaControl.parse(message);
      if (order.kind === 'endRoom' && order.liveRoomId === id) break;
    }
    assert.equal(await statusOf(participantId), 'LEFT');
  });

  it('follows at once where another server answers at its address, and goes by what it says where it lives after all', async () => {
    const address = (port: number) => ({
      internalUrl: `http://127.0.0.1:${port}`,
      publicUrl: `ws://127.0.0.1:${port}/media`,
    });
    const [former, next, other] = [newServer(), newServer(), newServer()];
    const id = await openLiveRoom(stream, newUser());
    const say = (serverId: string, port: number, ...participantIds: string[]) => {
      const rooms = [{ liveRoomId: id, participantIds }];
      const heartbeat = { serverId, available: true, address: address(port), rooms };
      return stream.liveBus.publish(MEDIA_HEARTBEAT_TOPIC, heartbeat);
    };
    const lost = await enter(stream, newUser(), id, former);
    const stays = await enter(stream, newUser(), id, other);
    await say(former, 1, lost);
    await say(other, 2, stays);
    await say(next, 1);
    await until(() => isLost(lost));
    assert.equal(await isLost(stays), false);
    offsetMs += 3 * MEDIA_HEARTBEAT_MS;
    await say(former, 3, lost);
    await until(async () => !(await isLost(lost)));
    offsetMs = 0;
  });
});
