import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MEDIA_CONTROL_TOPIC, mediaControl, type MediaControl } from '#schema/media-bus.ts';
import { take, until } from './result-streams.ts';
import {
  enter,
  join,
  logOf,
  must,
  mutate,
  newUser,
  openLiveRoom,
  participantOf,
  refusals,
  startStream,
  tell,
  type Stream,
} from './stream-kit.ts';

const EVENTS = `subscription ($id: ID!, $after: EventCursor) { liveRoomEvents(liveRoomId: $id, after: $after) { __typename
  ... on ParticipantLeft { participantId leaveReason } ... on ParticipantUnbanned { participantId } } }`;
const ROOM = 'query ($id: ID!) { liveRoom(id: $id) { eventCursor broadcastUrl } }';
const BANNED = `query ($id: ID!, $first: Int, $after: String, $last: Int, $search: String) { liveRoom(id: $id) {
  bannedParticipants(first: $first, after: $after, last: $last, search: $search) { nodes { id } pageInfo { hasNextPage endCursor } } } }`;

describe('a ban from a live room', () => {
  let stream: Stream;
  let clockMs = Date.now();
  before(async () => void (stream = await startStream({ now: () => new Date(clockMs++) })));
  after(() => stream.close());

  const setTheScene = async () => {
    const [host, guest] = [newUser(), newUser()];
    const id = await openLiveRoom(stream, host);
    await enter(stream, host, id);
    const participantId = await enter(stream, guest, id);
    return { id, host, guest, about: { liveRoomId: id, participantId } };
  };
  type Scene = Awaited<ReturnType<typeof setTheScene>>;
  const ban = ({ host, about }: Scene) => must(stream, host, 'removeParticipant', { ...about, ban: true });
  const giveRole = ({ host, about }: Scene, role: string) =>
    must(stream, host, 'setLiveRole', { ...about, role });
  const enterAs = async (scene: Scene, role: string) => {
    const user = newUser();
    const participantId = await enter(stream, user, scene.id);
    await giveRole({ ...scene, about: { liveRoomId: scene.id, participantId } }, role);
    return user;
  };
  const unbans = async (id: string) =>
    (await logOf(stream, `live-room:${id}`)).filter((name) => name === 'liveRoom.participantUnbanned').length;
  const comes = async ({ guest, id }: Scene) =>
    (await mutate(stream, guest, 'joinLiveRoom', { id })).__typename as string;
  const followOrders = async () => {
    const subscription = await stream.liveBus.subscribe(MEDIA_CONTROL_TOPIC);
    return {
      /** The next order of that kind. */
      async next(kind: MediaControl['kind']): Promise<MediaControl> {
        for await (const message of subscription) {
          const order = mediaControl.parse(message);
          if (order.kind === kind) return order;
        }
        throw new Error('the orders have ended');
      },
      close: () => subscription.return(),
    };
  };

  it('is lifted: they join again, as a listener whose visit is a new one, and may listen', async () => {
    const scene = await setTheScene();
    const { id, host, guest, about } = scene;
    await giveRole(scene, 'MODERATOR');
    const { resumeKey } = await mutate(stream, guest, 'joinLiveRoom', { id });
    const { eventCursor } = (await stream.data(null, ROOM, { id })).liveRoom;
    await ban(scene);
    assert.equal(await comes(scene), 'ForbiddenError');
    assert.equal((await stream.data(guest, ROOM, { id })).liveRoom.broadcastUrl, null);
    const { participant } = await must(stream, host, 'unbanParticipant', about);
    assert.deepEqual(
      [participant.id, participant.role, participant.connected],
      [about.participantId, 'LISTENER', false],
    );
    assert.ok((await stream.data(guest, ROOM, { id })).liveRoom.broadcastUrl);
    const joined = await mutate(stream, guest, 'joinLiveRoom', { id, resumeKey });
    assert.deepEqual(
      [joined.resumed, joined.participant.id, joined.participant.role],
      [false, about.participantId, 'LISTENER'],
    );
    const { participantId } = about;
    const feed = await stream.subscribe(null, EVENTS, { id, after: eventCursor });
    assert.deepEqual(
      (await take(feed, 2)).map(({ liveRoomEvents }) => liveRoomEvents),
      [
        { __typename: 'ParticipantLeft', participantId, leaveReason: 'BANNED' },
        { __typename: 'ParticipantUnbanned', participantId },
      ],
    );
    await feed.return();
  });

  it('that is lifted is told to media servers, which know for a while who may not listen', async () => {
    const scene = await setTheScene();
    await ban(scene);
    const orders = await followOrders();
    await must(stream, scene.host, 'unbanParticipant', scene.about);
    assert.deepEqual(await orders.next('recheckListeners'), {
      kind: 'recheckListeners',
      liveRoomId: scene.id,
    });
    await orders.close();
  });

  it('that is none, or no more, is lifted without an event, and nothing changes', async () => {
    const scene = await setTheScene();
    await giveRole(scene, 'SPEAKER');
    const { participant } = await must(stream, scene.host, 'unbanParticipant', scene.about);
    assert.deepEqual([participant.role, participant.connected], ['SPEAKER', true]);
    assert.equal(await unbans(scene.id), 0);
    await ban(scene);
    await Promise.all([1, 2, 3, 4].map(() => must(stream, scene.host, 'unbanParticipant', scene.about)));
    assert.equal(await unbans(scene.id), 1);
    assert.equal(await comes(scene), 'LiveJoin');
  });

  it('and its end at the same moment come one after the other, and the last one counts', async () => {
    const scene = await setTheScene();
    for (let times = 0; times < 10; times++) {
      if ((await comes(scene)) === 'LiveJoin') await enter(stream, scene.guest, scene.id);
      await Promise.all([ban(scene), must(stream, scene.host, 'unbanParticipant', scene.about)]);
      const log = await logOf(stream, `live-room:${scene.id}`);
      const isIn = log.at(-1) === 'liveRoom.participantUnbanned';
      assert.equal(await comes(scene), isIn ? 'LiveJoin' : 'ForbiddenError', log.join());
      if (!isIn) await must(stream, scene.host, 'unbanParticipant', scene.about);
    }
  });

  it('is lifted by whoever may ban them, and by nobody else', async () => {
    const scene = await setTheScene();
    const { id, host, guest, about } = scene;
    const [moderator, speaker, listener] = [
      await enterAs(scene, 'MODERATOR'),
      await enterAs(scene, 'SPEAKER'),
      await enterAs(scene, 'LISTENER'),
    ];
    const refused = (user: string, whom = about) => refusals(stream, user, 'unbanParticipant', whom);
    await ban(scene);
    for (const user of [speaker, listener])
      assert.deepEqual(await refused(user), ['ForbiddenError participantId']);
    for (const user of [guest, newUser()])
      assert.deepEqual(await refused(user), ['ForbiddenError liveRoomId']);
    assert.deepEqual(await refused(moderator), []);
    await enter(stream, guest, id);
    await giveRole(scene, 'MODERATOR');
    await ban(scene);
    assert.deepEqual(await refused(moderator), ['ForbiddenError participantId']);
    assert.deepEqual(await refused(host), []);
    const elsewhere = await setTheScene();
    for (const participantId of [elsewhere.about.participantId, 'lpt_x', "lpt_'--"])
      assert.deepEqual(await refused(host, { ...about, participantId }), ['NotFoundError participantId']);
    assert.deepEqual(await refused(host, { ...about, liveRoomId: 'liv_x' }), ['NotFoundError liveRoomId']);
    await must(stream, host, 'endLiveRoom', { id });
    assert.deepEqual(await refused(host), ['NotLiveError liveRoomId']);
  });

  it('is something else than a block by the host, which keeps out whoever is banned no more', async () => {
    const scene = await setTheScene();
    const block = { blockerId: scene.host, blockedId: scene.guest };
    await tell(stream, `user:${scene.host}`, 'user.blocked', block);
    await until(async () => (await participantOf(stream, scene.about.participantId))?.reason === 'REMOVED');
    const { liveRoom } = await stream.data(scene.host, BANNED, { id: scene.id });
    assert.deepEqual(liveRoom.bannedParticipants.nodes, []);
    await ban(scene);
    await must(stream, scene.host, 'unbanParticipant', scene.about);
    assert.equal(await comes(scene), 'ForbiddenError');
    await tell(stream, `user:${scene.host}`, 'user.unblocked', block);
    await until(async () => (await comes(scene)) === 'LiveJoin');
  });

  it('that is lifted does not bring in whoever has a grant of before it, nor out whoever is back', async () => {
    const scene = await setTheScene();
    const { id, about, guest, host } = scene;
    await ban(scene);
    await must(stream, host, 'unbanParticipant', about);
    const orders = await followOrders();
    const connection = { ...about, serverId: 'media-1' };
    await tell(stream, 'media:media-1', 'media.participantConnected', connection);
    assert.deepEqual(await orders.next('remove'), { kind: 'remove', ...about, reason: 'REMOVED' });
    await orders.close();
    await enter(stream, guest, id);
    // The order of the ban has come late.
    const late = { ...connection, reason: 'BANNED' };
    await tell(stream, 'media:media-1', 'media.participantDisconnected', late);
    const left = async () => (await participantOf(stream, about.participantId))?.reason ?? null;
    await until(async () => (await left()) !== null);
    assert.equal(await left(), 'REMOVED');
    assert.equal(await join(stream, guest, id), about.participantId);
  });

  it('is seen by the host and moderators in the room alone', async () => {
    const scene = await setTheScene();
    const { id, host, guest, about } = scene;
    const moderator = await enterAs(scene, 'MODERATOR');
    const others = [
      guest,
      newUser(),
      null,
      await enterAs(scene, 'SPEAKER'),
      await enterAs(scene, 'LISTENER'),
    ];
    await ban(scene);
    const seenBy = async (viewer: string | null) =>
      (await stream.data(viewer, BANNED, { id })).liveRoom.bannedParticipants?.nodes ?? null;
    for (const viewer of [host, moderator])
      assert.deepEqual(await seenBy(viewer), [{ id: about.participantId }]);
    for (const viewer of others) assert.equal(await seenBy(viewer), null);
    await must(stream, moderator, 'leaveLiveRoom', { id });
    assert.equal(await seenBy(moderator), null);
    await must(stream, host, 'unbanParticipant', about);
    assert.deepEqual(await seenBy(host), []);
    await must(stream, host, 'endLiveRoom', { id });
    assert.equal(await seenBy(host), null);
  });

  it('is found in pages, the latest first, and by a part of the name', async () => {
    const { id, host } = await setTheScene();
    const names = ['Ada', 'Ben', 'Adam', 'Cleo', 'Madam'];
    const banned: string[] = [];
    for (const [index, displayName] of names.entries()) {
      const userId = newUser();
      const about = { userId, displayName, handle: `h${index}`, bio: null };
      await tell(stream, `user:${userId}`, 'user.registered', about);
      const participantId = await enter(stream, userId, id);
      banned.unshift(participantId);
    }
    for (const participantId of banned.toReversed())
      await must(stream, host, 'removeParticipant', { liveRoomId: id, participantId, ban: true });
    const page = async (variables: Record<string, unknown>) => {
      const { nodes, pageInfo } = (await stream.data(host, BANNED, { id, ...variables })).liveRoom
        .bannedParticipants;
      return { ids: nodes.map((node: { id: string }) => node.id), pageInfo };
    };
    assert.deepEqual((await page({})).ids, banned);
    const first = await page({ first: 2 });
    assert.deepEqual([first.ids, first.pageInfo.hasNextPage], [banned.slice(0, 2), true]);
    const rest = await page({ first: 3, after: first.pageInfo.endCursor });
    assert.deepEqual([rest.ids, rest.pageInfo.hasNextPage], [banned.slice(2), false]);
    assert.deepEqual((await page({ last: 2 })).ids, banned.slice(3));
    // What people are called is told by events.
    await until(async () => (await page({ search: 'h' })).ids.length === names.length);
    assert.deepEqual((await page({ search: 'ada' })).ids, [banned[0], banned[2], banned[4]]);
    const tooLong = await stream.run(host, BANNED, { id, search: 'x'.repeat(51) });
    assert.equal(tooLong.errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
  });
});
