import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MEDIA_CONTROL_TOPIC, mediaControl, type MediaControl } from '#schema/media-bus.ts';
import {
  enter,
  join,
  logOf,
  must,
  mutate,
  newUser,
  openLiveRoom,
  refusals,
  startStream,
  type Stream,
} from './stream-kit.ts';

interface Scene {
  readonly id: string;
  readonly host: string;
  readonly guest: string;
  /** The guest's participant. */
  readonly participantId: string;
}

describe('the floor of a live room', () => {
  let stream: Stream;
  before(async () => void (stream = await startStream()));
  after(() => stream.close());

  const setTheScene = async (): Promise<Scene> => {
    const [host, guest] = [newUser(), newUser()];
    const id = await openLiveRoom(stream, host);
    await enter(stream, host, id);
    return { id, host, guest, participantId: await enter(stream, guest, id) };
  };
  const ordersOf = async (count: number, run: () => Promise<unknown>): Promise<MediaControl[]> => {
    const subscription = await stream.liveBus.subscribe(MEDIA_CONTROL_TOPIC);
    await run();
    const orders: MediaControl[] = [];
    while (orders.length < count) orders.push(mediaControl.parse((await subscription.next()).value));
    await subscription.return();
    return orders;
  };

  it('keeps raised hands in order of raising, and a second raise keeps the place', async () => {
    const { id, host, guest } = await setTheScene();
    const other = newUser();
    await enter(stream, other, id);
    const first = (await must(stream, guest, 'raiseHand', { liveRoomId: id })).participant;
    const second = (await must(stream, other, 'raiseHand', { liveRoomId: id })).participant;
    const again = (await must(stream, guest, 'raiseHand', { liveRoomId: id })).participant;
    assert.equal(again.handRaisedAt, first.handRaisedAt);
    const query = 'query ($id: ID!) { liveRoom(id: $id) { listenerCount raisedHands { id } } }';
    const { liveRoom } = await stream.data(null, query, { id });
    assert.deepEqual(liveRoom, { listenerCount: 2, raisedHands: [{ id: first.id }, { id: second.id }] });
    const lower = { liveRoomId: id, participantId: first.id };
    assert.deepEqual(await refusals(stream, other, 'lowerHand', lower), ['ForbiddenError participantId']);
    assert.equal((await must(stream, host, 'lowerHand', lower)).participant.handRaisedAt, null);
    await must(stream, other, 'lowerHand', { liveRoomId: id });
    assert.deepEqual(await refusals(stream, host, 'raiseHand', { liveRoomId: id }), [
      'ConflictError liveRoomId',
    ]);
    const log = await logOf(stream, `live-room:${id}`);
    assert.equal(log.filter((name) => name === 'liveRoom.handChanged').length, 4);
  });

  it('lets nobody wave: hands that go up and down all the time have to rest', async () => {
    const { id, guest } = await setTheScene();
    const up = () => refusals(stream, guest, 'raiseHand', { liveRoomId: id });
    for (let times = 0; times < 5; times++) {
      assert.deepEqual(await up(), []);
      await must(stream, guest, 'lowerHand', { liveRoomId: id });
    }
    assert.deepEqual(await up(), ['RateLimitedError liveRoomId']);
    const log = await logOf(stream, `live-room:${id}`);
    assert.equal(log.filter((name) => name === 'liveRoom.handChanged').length, 10);
  });

  it('gives roles, lowers the hand by that, and orders it of the media server', async () => {
    const { id, host, guest, participantId } = await setTheScene();
    await must(stream, guest, 'raiseHand', { liveRoomId: id });
    const change = { liveRoomId: id, participantId, role: 'SPEAKER' };
    const [setRole, mute] = await ordersOf(2, () => must(stream, host, 'setLiveRole', change));
    assert.deepEqual(setRole, { kind: 'setRole', liveRoomId: id, participantId, role: 'SPEAKER' });
    assert.deepEqual(mute, { kind: 'mute', liveRoomId: id, participantId, muted: false });
    const query = 'query ($id: ID!) { liveRoom(id: $id) { speakers { role } raisedHands { id } } }';
    const { liveRoom } = await stream.data(null, query, { id });
    assert.deepEqual(liveRoom, { speakers: [{ role: 'HOST' }, { role: 'SPEAKER' }], raisedHands: [] });
    const promote = { ...change, role: 'MODERATOR' };
    assert.deepEqual(await refusals(stream, guest, 'setLiveRole', promote), ['ForbiddenError participantId']);
    assert.deepEqual(await refusals(stream, host, 'setLiveRole', { ...change, role: 'HOST' }), [
      'ValidationError role ONE_HOST',
    ]);
    await must(stream, guest, 'setLiveRole', { ...change, role: 'LISTENER' });
  });

  it('mutes for good: the order goes out, and the next grant carries it', async () => {
    const { id, host, guest, participantId } = await setTheScene();
    const order = { liveRoomId: id, participantId };
    const orders = await ordersOf(2, () => must(stream, host, 'muteParticipant', order));
    assert.deepEqual(orders[1], { kind: 'mute', ...order, muted: true });
    const joined = await mutate(stream, guest, 'joinLiveRoom', { id });
    const claims = JSON.parse(Buffer.from(joined.token.split('.')[0], 'base64url').toString());
    assert.deepEqual([joined.participant.muted, claims.muted], [true, true]);
    assert.deepEqual(await refusals(stream, guest, 'muteParticipant', { ...order, muted: false }), [
      'ForbiddenError participantId',
    ]);
    const { participant } = await must(stream, host, 'muteParticipant', { ...order, muted: false });
    assert.equal(participant.muted, false);
  });

  it('removes people, who may come back unless they are banned', async () => {
    const { id, host, guest, participantId } = await setTheScene();
    const order = { liveRoomId: id, participantId };
    const [removed] = await ordersOf(1, () => must(stream, host, 'removeParticipant', order));
    assert.deepEqual(removed, { kind: 'remove', ...order, reason: 'REMOVED' });
    assert.equal(await join(stream, guest, id), participantId);
    const [banned] = await ordersOf(1, () =>
      must(stream, host, 'removeParticipant', { ...order, ban: true }),
    );
    assert.deepEqual(banned, { kind: 'remove', ...order, reason: 'BANNED' });
    assert.equal((await mutate(stream, guest, 'joinLiveRoom', { id })).__typename, 'ForbiddenError');
  });

  it('is only for those inside, while the room is LIVE, and for participants of that room', async () => {
    const { id, host, guest, participantId } = await setTheScene();
    const elsewhere = await setTheScene();
    const mute = { liveRoomId: id, participantId };
    assert.deepEqual(await refusals(stream, newUser(), 'muteParticipant', mute), [
      'ForbiddenError liveRoomId',
    ]);
    assert.deepEqual(await refusals(stream, newUser(), 'raiseHand', { liveRoomId: id }), [
      'ForbiddenError liveRoomId',
    ]);
    for (const other of [elsewhere.participantId, 'lpt_x', "lpt_'--"]) {
      const target = { liveRoomId: id, participantId: other };
      assert.deepEqual(await refusals(stream, host, 'muteParticipant', target), [
        'NotFoundError participantId',
      ]);
    }
    assert.deepEqual(await refusals(stream, host, 'muteParticipant', { ...mute, liveRoomId: 'liv_x' }), [
      'NotFoundError liveRoomId',
    ]);
    const [order] = await ordersOf(1, () => must(stream, host, 'endLiveRoom', { id }));
    assert.deepEqual(order, { kind: 'endRoom', liveRoomId: id });
    assert.deepEqual(await refusals(stream, guest, 'raiseHand', { liveRoomId: id }), [
      'NotLiveError liveRoomId',
    ]);
  });

  it('gives one of two places in the queue to each of two who raise at once', async () => {
    const { id, guest } = await setTheScene();
    await Promise.all([1, 2, 3, 4].map(() => must(stream, guest, 'raiseHand', { liveRoomId: id })));
    const log = await logOf(stream, `live-room:${id}`);
    assert.equal(log.filter((name) => name === 'liveRoom.handChanged').length, 1);
  });
});
