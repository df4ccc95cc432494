import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { verifyBroadcastPath } from '#platform/broadcast-url.ts';
import { MEDIA_GRANT_TTL_MS, verifyMediaGrant } from '#platform/media-grant.ts';
import { newId } from '#platform/ids.ts';
import { MAX_LIVE_ROOM_PEOPLE } from '#schema/media-bus.ts';
import { TEST_SECRET } from '../support/subgraphs.ts';
import {
  enter,
  join,
  logOf,
  MEDIA,
  must,
  mutate,
  newUser,
  openLiveRoom,
  refusals,
  startStream,
  tell,
  type Stream,
} from './stream-kit.ts';
import { until } from './result-streams.ts';

const ROOMS = `query ($state: LiveState, $first: Int, $after: String) {
  liveRooms(state: $state, first: $first, after: $after) { nodes { id state } pageInfo { hasNextPage endCursor } } }`;
const TURN = { urls: ['turn:turn.example:3478'], secret: 'turn-secret-of-the-tests' };
const UNAVAILABLE = { available: false as const, reason: 'no worker' };

describe('live rooms of the stream subgraph', () => {
  let stream: Stream;
  before(async () => void (stream = await startStream({ turn: TURN })));
  after(() => stream.close());

  const create = async (host: string, extra = {}) =>
    (await must(stream, host, 'createLiveRoom', { input: { title: 'Studio', ...extra } })).liveRoom;

  it('are announced, go live and end, each step logged [D04]', async () => {
    const host = newUser();
    const scheduledFor = new Date(Date.now() + 86_400_000).toISOString();
    const { id, state } = await create(host, { scheduledFor, musicMode: true });
    assert.equal(state, 'SCHEDULED');
    const live = (await must(stream, host, 'startLiveRoom', { id })).liveRoom;
    assert.deepEqual([live.state, live.capacity, live.musicMode], ['LIVE', 200, true]);
    const ended = (await must(stream, host, 'endLiveRoom', { id })).liveRoom;
    assert.equal(ended.state, 'ENDED');
    assert.ok(ended.endedAt >= ended.startedAt);
    assert.deepEqual(await logOf(stream, `live-room:${id}`), [
      'liveRoom.created',
      'liveRoom.started',
      'liveRoom.ended',
    ]);
    assert.deepEqual(await refusals(stream, host, 'startLiveRoom', { id }), ['ConflictError id']);
    assert.deepEqual(await refusals(stream, newUser(), 'endLiveRoom', { id }), ['ForbiddenError id']);
    assert.deepEqual(await refusals(stream, host, 'startLiveRoom', { id: 'liv_x' }), ['NotFoundError id']);
  });

  it('are refused with wrong plans', async () => {
    const refused = (input: object) => refusals(stream, newUser(), 'createLiveRoom', { input });
    assert.deepEqual(await refused({ title: '' }), ['ValidationError input,title REQUIRED']);
    assert.deepEqual(await refused({ title: 'a', capacity: MAX_LIVE_ROOM_PEOPLE + 1 }), [
      'ValidationError input,capacity OUT_OF_RANGE',
    ]);
    assert.deepEqual(await refused({ title: 'a', scheduledFor: '2020-01-01T00:00:00Z' }), [
      'ValidationError input,scheduledFor IN_THE_PAST',
    ]);
    assert.deepEqual(await refused({ title: 'a', chatRoomId: 'rom_x' }), [
      'ValidationError input,chatRoomId MALFORMED_ID',
    ]);
    assert.deepEqual(await refused({ title: 'a', chatRoomId: newId('Room') }), [
      'ForbiddenError input,chatRoomId',
    ]);
  });

  it('are LIVE one at a time for each host, also when two are started at once', async () => {
    const host = newUser();
    const rooms = await Promise.all([create(host), create(host), create(host)]);
    const outcomes = await Promise.all(
      rooms.map(({ id }: { id: string }) => mutate(stream, host, 'startLiveRoom', { id })),
    );
    assert.equal(outcomes.filter(({ userErrors }) => userErrors.length === 0).length, 1);
    const lost = outcomes.find(({ userErrors }) => userErrors.length > 0);
    assert.equal(lost.userErrors[0].__typename, 'ConflictError');
    const query =
      'query ($u: [_Any!]!) { _entities(representations: $u) { ... on User { liveRoom { id } } } }';
    const { _entities } = await stream.data(null, query, { u: [{ __typename: 'User', id: host }] });
    assert.equal(_entities[0].liveRoom.id, outcomes.find(({ liveRoom }) => liveRoom).liveRoom.id);
  });

  it('are listed by state, newest first, in pages', async () => {
    const made = [];
    for (let i = 0; i < 3; i++) made.unshift((await create(newUser())).id);
    const args = { state: 'SCHEDULED', first: 2 };
    const { liveRooms: first } = await stream.data(null, ROOMS, args);
    const { liveRooms: rest } = await stream.data(null, ROOMS, { ...args, after: first.pageInfo.endCursor });
    const ids = [...first.nodes, ...rest.nodes].map(({ id }) => id);
    assert.deepEqual(ids.slice(0, 3), made);
    const { errors } = await stream.run(null, ROOMS, { first: 1_000 });
    assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
  });

  it('let people in with a grant for the media server, one participant each', async () => {
    const [host, guest] = [newUser(), newUser()];
    const id = await openLiveRoom(stream, host, { musicMode: true, capacity: 12, maxSpeakers: 3 });
    const joined = await mutate(stream, guest, 'joinLiveRoom', { id });
    assert.equal(joined.mediaUrl, 'ws://media.example:4010/media');
    assert.deepEqual(joined.participant.role, 'LISTENER');
    const { grantId, ...rights } = verifyMediaGrant(joined.token, TEST_SECRET) ?? {};
    assert.ok(grantId);
    assert.deepEqual(rights, {
      liveRoomId: id,
      participantId: joined.participant.id,
      userId: guest,
      role: 'LISTENER',
      expiresAtMs: Date.parse(joined.tokenExpiresAt),
      muted: false,
      musicMode: true,
      capacity: 12,
      maxSpeakers: 3,
      anew: true,
    });
    assert.ok(Date.parse(joined.tokenExpiresAt) <= Date.now() + MEDIA_GRANT_TTL_MS);
    const [ice] = joined.iceServers;
    assert.equal(ice.credential, createHmac('sha1', TURN.secret).update(ice.username).digest('base64'));
    const again = await Promise.all(Array.from({ length: 5 }, () => join(stream, guest, id)));
    assert.deepEqual([...new Set(again)], [joined.participant.id]);
    assert.equal((await mutate(stream, host, 'joinLiveRoom', { id })).participant.role, 'HOST');
    assert.equal(joined.liveRoom.viewerParticipant.id, joined.participant.id);
  });

  it('say why nobody can join: not started, over, unknown, no media server', async () => {
    const host = newUser();
    const { id } = await create(host);
    const typeOf = async (roomId: string) => await mutate(stream, newUser(), 'joinLiveRoom', { id: roomId });
    assert.deepEqual((await typeOf(id)).state, 'SCHEDULED');
    await must(stream, host, 'startLiveRoom', { id });
    stream.setMedia(UNAVAILABLE);
    const unavailable = await typeOf(id);
    stream.setMedia(MEDIA);
    assert.deepEqual([unavailable.__typename, unavailable.retryAfterMs > 0], ['MediaUnavailableError', true]);
    await must(stream, host, 'endLiveRoom', { id });
    assert.deepEqual([(await typeOf(id)).__typename, (await typeOf(id)).state], ['NotLiveError', 'ENDED']);
    assert.equal((await typeOf('nonsense')).__typename, 'NotFoundError');
  });

  it('let in as many as fit, also when all come at once', async () => {
    const id = await openLiveRoom(stream, newUser(), { capacity: 3 });
    const guests = Array.from({ length: 8 }, newUser);
    const outcomes = await Promise.all(guests.map((guest) => mutate(stream, guest, 'joinLiveRoom', { id })));
    assert.equal(outcomes.filter(({ __typename }) => __typename === 'LiveJoin').length, 3);
    const full = outcomes.find(({ __typename }) => __typename !== 'LiveJoin');
    assert.deepEqual([full.__typename, full.capacity], ['RoomFullError', 3]);
    const { pathname } = new URL(full.hlsUrl);
    assert.equal(verifyBroadcastPath(pathname, TEST_SECRET)?.listener.liveRoomId, id);
    const inside = guests[outcomes.findIndex(({ __typename }) => __typename === 'LiveJoin')]!;
    await join(stream, inside, id);
    await must(stream, inside, 'leaveLiveRoom', { id });
    await join(stream, newUser(), id);
  });

  it('can be listened to from outside while they are LIVE, where they can be mixed', async () => {
    const host = newUser();
    const { id } = await create(host);
    const query = 'query ($id: ID!) { liveRoom(id: $id) { broadcastUrl } }';
    const address = async () => (await stream.data(null, query, { id })).liveRoom.broadcastUrl;
    assert.equal(await address(), null);
    await must(stream, host, 'startLiveRoom', { id });
    const url = new URL(await address());
    assert.equal(url.origin, 'http://veza.example');
    assert.deepEqual(verifyBroadcastPath(url.pathname, TEST_SECRET), {
      listener: { liveRoomId: id, userId: null },
      file: 'index.m3u8',
    });
    stream.setMedia({ ...MEDIA, canMix: false });
    assert.equal(await address(), null);
    stream.setMedia(MEDIA);
    await must(stream, host, 'endLiveRoom', { id });
    assert.equal(await address(), null);
  });

  it('can be left, and entered again as the same participant', async () => {
    const [host, guest] = [newUser(), newUser()];
    const id = await openLiveRoom(stream, host);
    const participantId = await enter(stream, guest, id);
    const left = (await must(stream, guest, 'leaveLiveRoom', { id })).liveRoom;
    assert.equal(left.viewerParticipant, null);
    await must(stream, guest, 'leaveLiveRoom', { id });
    assert.equal(await join(stream, guest, id), participantId);
    const log = await logOf(stream, `live-room:${id}`);
    assert.equal(log.filter((name) => name === 'liveRoom.participantLeft').length, 1);
  });

  it('are closed to whom the host has blocked, who is also put out', async () => {
    const [host, guest] = [newUser(), newUser()];
    const id = await openLiveRoom(stream, host);
    await enter(stream, guest, id);
    await tell(stream, `user:${host}`, 'user.blocked', { blockerId: host, blockedId: guest });
    await until(async () => (await logOf(stream, `live-room:${id}`)).includes('liveRoom.participantLeft'));
    assert.equal((await mutate(stream, guest, 'joinLiveRoom', { id })).__typename, 'ForbiddenError');
  });

  it('of a private chat room are for its members, and show there while LIVE [F14]', async () => {
    const [host, member, stranger] = [newUser(), newUser(), newUser()];
    const roomId = newId('Room');
    const about = { roomId, name: 'den', topic: null, visibility: 'PRIVATE' as const };
    const created = { ...about, kind: 'GROUP' as const, ownerId: host };
    await tell(stream, `room:${roomId}`, 'room.created', created);
    await tell(stream, `room:${roomId}`, 'room.memberJoined', { roomId, userId: member, role: 'MEMBER' });
    const input = { title: 'Den', chatRoomId: roomId };
    await until(async () => (await refusals(stream, member, 'createLiveRoom', { input })).length === 0);
    const id = await openLiveRoom(stream, host, { chatRoomId: roomId });
    const query = 'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Room { live { id } } } }';
    const live = async (viewer: string | null) =>
      (await stream.data(viewer, query, { r: [{ __typename: 'Room', id: roomId }] }))._entities[0].live;
    assert.equal((await live(member)).id, id);
    assert.equal(await live(stranger), null);
    assert.equal((await mutate(stream, stranger, 'joinLiveRoom', { id })).__typename, 'NotFoundError');
    await enter(stream, member, id);
    await tell(stream, `room:${roomId}`, 'room.memberLeft', { roomId, userId: member, change: 'KICKED' });
    await until(async () => (await logOf(stream, `live-room:${id}`)).includes('liveRoom.participantLeft'));
    assert.equal(await live(member), null);
  });
});
