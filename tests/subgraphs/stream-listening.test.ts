import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import {
  createListeningRights,
  type ListeningRights,
} from '../../media-server/broadcast/listening-rights.ts';
import { take, until } from './result-streams.ts';
import {
  enter,
  logOf,
  mutate,
  must,
  newUser,
  openLiveRoom,
  refusals,
  startStream,
  tell,
  type Stream,
} from './stream-kit.ts';

const EVENTS = `subscription ($id: ID!) { liveRoomEvents(liveRoomId: $id) { ... on BroadcastAudienceChanged { audience } } }`;
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

  it('is nobody without an account where the host wants it so, and so nobody who was banned', async () => {
    const [host, banned] = [newUser(), newUser()];
    const id = await openLiveRoom(stream, host, { broadcastAudience: 'SIGNED_IN' });
    await enter(stream, host, id);
    const participantId = await enter(stream, banned, id);
    await must(stream, host, 'removeParticipant', { liveRoomId: id, participantId, ban: true });
    const listening = async () => [await may(newUser(), id), await may(null, id), await may(banned, id)];
    assert.deepEqual(await listening(), [true, false, false]);
    assert.equal(await urlFor(null, id), null);
    const args = { liveRoomId: id, audience: 'ANYONE' };
    assert.deepEqual(await refusals(stream, newUser(), 'setBroadcastAudience', args), [
      'ForbiddenError liveRoomId',
    ]);
    const events = await stream.subscribe(banned, EVENTS, { id });
    await must(stream, host, 'setBroadcastAudience', args);
    assert.deepEqual(await take(events, 1), [{ liveRoomEvents: { audience: 'ANYONE' } }]);
    await events.return?.();
    assert.deepEqual(await listening(), [true, true, false]);
    await must(stream, host, 'setBroadcastAudience', args);
    await must(stream, host, 'setBroadcastAudience', { ...args, audience: 'SIGNED_IN' });
    assert.deepEqual(await listening(), [true, false, false]);
    const told = (await logOf(stream, `live-room:${id}`)).filter((name) => /Audience/.test(name));
    assert.equal(told.length, 2, 'what was so already is not told');
    await must(stream, host, 'endLiveRoom', { id });
    assert.deepEqual(await refusals(stream, host, 'setBroadcastAudience', args), [
      'ConflictError liveRoomId',
    ]);
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
