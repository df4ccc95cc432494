import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import {
  createListeningRights,
  type ListeningRights,
} from '../../media-server/broadcast/listening-rights.ts';
import { until } from './result-streams.ts';
import { enter, mutate, must, newUser, openLiveRoom, startStream, tell, type Stream } from './stream-kit.ts';

const BROADCAST = 'query ($id: ID!) { liveRoom(id: $id) { broadcastUrl } }';

/** The stream subgraph answers a media server's question over a live bus. */
describe('who may listen to the broadcast of a live room', () => {
  let stream: Stream;
  let rights: ListeningRights;
  before(async () => {
    stream = await startStream();
    // It asks each time.
    const log = createLog('listening-test', 'silent');
    rights = createListeningRights({ serverId: 'media-l', liveBus: stream.liveBus, log, recheckMs: 0 });
  });
  after(async () => {
    await rights.close();
    await stream.close();
  });

  const may = (userId: string | null, liveRoomId: string) => rights.may({ liveRoomId, userId });
  const urlFor = async (viewer: string | null, id: string) =>
    (await stream.data(viewer, BROADCAST, { id })).liveRoom?.broadcastUrl ?? null;

  it('is everybody, in a room that is LIVE and goes with no private chat room', async () => {
    const host = newUser();
    const id = await openLiveRoom(stream, host);
    for (const userId of [host, newUser(), null]) {
      assert.equal(await may(userId, id), true);
      assert.match(await urlFor(userId, id), new RegExp(`/${id}/\\d+\\.${userId ?? '-'}\\.`));
    }
    assert.equal(await may(host, newId('LiveRoom')), false);
    await must(stream, host, 'endLiveRoom', { id });
    assert.equal(await may(host, id), false);
  });

  it('is nobody who was banned, or blocked by the host, and those who were only removed', async () => {
    const [host, banned, removed, blocked] = [newUser(), newUser(), newUser(), newUser()];
    const id = await openLiveRoom(stream, host);
    await enter(stream, host, id);
    for (const [user, ban] of [
      [banned, true],
      [removed, false],
    ] as const) {
      const participantId = await enter(stream, user, id);
      assert.equal(await may(user, id), true);
      await must(stream, host, 'removeParticipant', { liveRoomId: id, participantId, ban });
      assert.equal(await may(user, id), !ban);
    }
    await tell(stream, `user:${host}`, 'user.blocked', { blockerId: host, blockedId: blocked });
    await until(async () => (await may(blocked, id)) === false);
    for (const user of [banned, blocked]) assert.equal(await urlFor(user, id), null);
    assert.notEqual(await urlFor(removed, id), null);
    await tell(stream, `user:${host}`, 'user.unblocked', { blockerId: host, blockedId: blocked });
    await until(async () => (await may(blocked, id)) === true);
    assert.equal((await mutate(stream, banned, 'joinLiveRoom', { id })).__typename, 'ForbiddenError');
  });

  it('are the members of its private chat room, for as long as they are', async () => {
    const [host, member, stranger] = [newUser(), newUser(), newUser()];
    const roomId = newId('Room');
    const chat = { roomId, name: 'The band', visibility: 'PRIVATE', ownerId: host } as const;
    await tell(stream, `room:${roomId}`, 'room.created', { ...chat, kind: 'GROUP', topic: null });
    await tell(stream, `room:${roomId}`, 'room.memberJoined', { roomId, userId: member, role: 'MEMBER' });
    await until(async () => {
      const input = { title: 'Rehearsal', chatRoomId: roomId };
      return (await mutate(stream, member, 'createLiveRoom', { input })).userErrors.length === 0;
    });
    const id = await openLiveRoom(stream, host, { chatRoomId: roomId });
    assert.deepEqual([await may(member, id), await may(host, id)], [true, true]);
    assert.deepEqual([await may(stranger, id), await may(null, id)], [false, false]);
    await tell(stream, `room:${roomId}`, 'room.memberLeft', { roomId, userId: member, change: 'LEFT' });
    await until(async () => (await may(member, id)) === false);
    assert.equal(await may(host, id), true);
  });
});
