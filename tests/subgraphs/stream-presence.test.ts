import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  MEDIA_CONTROL_TOPIC,
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
});
