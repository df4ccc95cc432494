import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { must, newUser, openChannel, say, tellBlock } from './chat-kit.ts';
import {
  lookInto,
  markRead,
  pageOf,
  startToldChat,
  toldTo,
  type ToldChat,
} from './chat-notifications-kit.ts';

const openDirect = async (chat: ToldChat, a: string, b: string): Promise<string> =>
  (await must(chat, a, 'createRoom', { input: { kind: 'DIRECT', memberIds: [b] } })).room.id;

const withoutPlace = ({ id: _id, readAt: _readAt, ...told }: Record<string, unknown>) => told;
const idsOf = (told: { id: string }[]) => told.map(({ id }) => id);

describe('notifications', () => {
  let chat: ToldChat;
  before(async () => void (chat = await startToldChat()));
  after(() => chat.close());

  it('tell of a follower, once until it is read, however often they follow anew', async () => {
    const [fan, artist] = [newUser(), newUser()];
    const { at } = await chat.follows(fan, artist);
    const [first, ...others] = await toldTo(chat, artist);
    assert.match(first.id, /^ntf_/);
    assert.equal(first.readAt, null);
    assert.deepEqual(withoutPlace(first), { __typename: 'FollowNotification', at, follower: { id: fan } });
    assert.deepEqual(others, []);
    for (let time = 0; time < 3; time++) {
      await chat.unfollows(fan, artist);
      await chat.follows(fan, artist);
    }
    assert.deepEqual(idsOf(await toldTo(chat, artist)), [first.id]);
    await markRead(chat, artist, first.id);
    await chat.unfollows(fan, artist);
    await chat.follows(fan, artist);
    assert.equal((await toldTo(chat, artist)).length, 2);
    assert.deepEqual(await toldTo(chat, fan), []);
  });

  it("tell an artist of a comment on a track, and nobody of one's own", async () => {
    const [fan, artist] = [newUser(), newUser()];
    const { at, payload } = await chat.comments(fan, artist);
    await chat.comments(artist, artist);
    const { trackId, commentId } = Object(payload);
    assert.deepEqual((await toldTo(chat, artist)).map(withoutPlace), [
      {
        ...{ __typename: 'TrackCommentNotification', at },
        ...{ by: { id: fan }, track: { id: trackId }, comment: { id: commentId } },
      },
    ]);
  });

  it('tell each seller of an order what they sold with it, once, and the buyer nothing', async () => {
    const [buyer, a, b] = [newUser(), newUser(), newUser()];
    const [p, q, r, own] = [newId('Product'), newId('Product'), newId('Product'), newId('Product')];
    const { at, payload } = await chat.buys(buyer, [b, r], [a, p], [a, q], [a, p], [buyer, own]);
    const sale = { __typename: 'SaleNotification', at, orderId: Object(payload).orderId };
    const told = async (userId: string) => (await toldTo(chat, userId)).map(withoutPlace);
    assert.deepEqual(await told(a), [{ ...sale, products: [{ id: p }, { id: q }] }]);
    assert.deepEqual(await told(b), [{ ...sale, products: [{ id: r }] }]);
    assert.deepEqual(await told(buyer), []);
  });

  it('tell followers that someone is live, and nobody who does not follow any more', async () => {
    const [host, fan, former] = [newUser(), newUser(), newUser()];
    await chat.follows(fan, host);
    await chat.follows(former, host);
    await chat.unfollows(former, host);
    await chat.settled();
    const { at, payload } = await chat.goesLive(host);
    assert.deepEqual((await toldTo(chat, fan)).map(withoutPlace), [
      {
        ...{ __typename: 'LiveStartedNotification', at, host: { id: host } },
        liveRoom: { id: Object(payload).liveRoomId },
      },
    ]);
    assert.deepEqual(await toldTo(chat, former), []);
  });

  it('keep a live room in a chat room that is not public among its members', async () => {
    const [host, member, outsider] = [newUser(), newUser(), newUser()];
    for (const fan of [member, outsider]) await chat.follows(fan, host);
    await chat.settled();
    const counts = async () => [(await toldTo(chat, member)).length, (await toldTo(chat, outsider)).length];
    for (const visibility of ['PRIVATE', 'UNLISTED']) {
      const room = await openChannel(chat, [host, member], { visibility });
      await chat.goesLive(host, room);
    }
    assert.deepEqual(await counts(), [2, 0]);
    await chat.goesLive(host, await openChannel(chat, [host], { visibility: 'PUBLIC' }));
    assert.deepEqual(await counts(), [3, 1]);
    // As it was told before it said where: it may be in a private chat room.
    const liveRoomId = newId('LiveRoom');
    await chat.tell('liveRoom.started', `live-room:${liveRoomId}`, { liveRoomId, hostId: host });
    await chat.goesLive(host, newId('Room'));
    assert.deepEqual(await counts(), [3, 1]);
  });

  it('tell each of many followers once, in steps', async () => {
    const host = newUser();
    const fans = Array.from({ length: 230 }, newUser);
    await Promise.all(fans.map((fan) => chat.follows(fan, host)));
    await chat.settled();
    const { payload } = await chat.goesLive(host);
    await chat.settled();
    const rows = await chat.rows<{ userId: string }>(
      `select user_id as "userId" from notification where actor_id = ? and kind = 'LIVE_STARTED' order by user_id`,
      [host],
    );
    assert.deepEqual(
      rows.map(({ userId }) => userId),
      [...fans].sort(),
    );
    const steps = await chat.open.foundation.events.read(`live-announcement:${Object(payload).liveRoomId}`);
    assert.equal(steps.length, 2);
  });

  it('tell of a message in a direct room its other person, and of other rooms nobody', async () => {
    const [a, b] = [newUser(), newUser()];
    const room = await openDirect(chat, a, b);
    const { id } = await say(chat, a, room, 'hello');
    const [told, ...others] = await toldTo(chat, b);
    assert.deepEqual(withoutPlace({ ...told, at: null }), {
      ...{ __typename: 'DirectMessageNotification', at: null },
      ...{ by: { id: a }, room: { id: room }, message: { id, content: 'hello' } },
    });
    assert.deepEqual(others, []);
    assert.deepEqual(await toldTo(chat, a), []);
    const heard = "select count(*)::int as count from inbox where consumer = 'chat-notifications'";
    const [earlier] = await chat.rows<{ count: number }>(heard);
    const [c, d] = [newUser(), newUser()];
    await say(chat, c, await openChannel(chat, [c, d]), 'hello all');
    const input = { kind: 'GROUP', memberIds: [d] };
    await say(chat, c, (await must(chat, c, 'createRoom', { input })).room.id, 'hello you');
    assert.deepEqual(await toldTo(chat, d), []);
    assert.deepEqual(await chat.rows(heard), [earlier]);
  });

  it('come once for an event that the bus delivers again', async () => {
    const [fan, artist] = [newUser(), newUser()];
    const room = await openDirect(chat, fan, artist);
    await chat.follows(fan, artist);
    await chat.settled();
    await say(chat, artist, room, 'hi');
    await chat.settled();
    const told = [
      await chat.follows(artist, fan),
      await chat.comments(artist, fan),
      await chat.buys(artist, [fan, newId('Product')]),
      await chat.goesLive(artist),
      ...(await chat.open.foundation.events.read(`room:${room}`)),
    ];
    await Promise.all([...told, ...told].map((event) => chat.durableBus.publish(event)));
    const kinds = (await toldTo(chat, fan)).map(({ __typename }) => __typename);
    assert.deepEqual(kinds.sort(), [
      'DirectMessageNotification',
      'FollowNotification',
      'LiveStartedNotification',
      'SaleNotification',
      'TrackCommentNotification',
    ]);
    for (const event of told) await chat.durableBus.publish(event);
    assert.equal((await toldTo(chat, fan)).length, 5);
  });

  it('are not sent between two of whom one has blocked the other, and are again after that', async () => {
    for (const turn of ['by the one who is told', 'by the one who acts']) {
      const [actor, user] = [newUser(), newUser()];
      const [blocker, blocked] = turn === 'by the one who is told' ? [user, actor] : [actor, user];
      const room = await openDirect(chat, actor, user);
      await chat.follows(user, actor);
      await chat.settled();
      await tellBlock(chat, 'user.blocked', blocker, blocked, 100);
      const act = async () => {
        await chat.follows(actor, user);
        await chat.comments(actor, user);
        await chat.buys(actor, [user, newId('Product')]);
        await chat.goesLive(actor);
      };
      await act();
      // One that was written before the block was heard of.
      const place = { roomId: room, messageId: newId('Message'), authorId: actor };
      await chat.tell('message.created', `room:${room}`, { ...place, roomKind: 'DIRECT' });
      assert.deepEqual(await toldTo(chat, user), [], turn);
      await tellBlock(chat, 'user.unblocked', blocker, blocked, 101);
      await act();
      assert.equal((await toldTo(chat, user)).length, 4, turn);
    }
  });

  it('are read in pages from both ends, the newest first, and unread ones alone', async () => {
    const user = newUser();
    const actors = Array.from({ length: 7 }, newUser);
    for (const actor of actors) {
      await chat.comments(actor, user);
      await chat.settled();
    }
    const all = await toldTo(chat, user);
    assert.deepEqual(
      all.map(({ by }) => by.id),
      actors.toReversed(),
    );
    const walk = async (size: 'first' | 'last', unreadOnly: boolean) => {
      const found: string[] = [];
      for (let cursor: string | null = null; ;) {
        const place = size === 'first' ? { after: cursor } : { before: cursor };
        const { nodes, pageInfo } = await pageOf(chat, user, { [size]: 2, ...place, unreadOnly });
        if (size === 'first') found.push(...idsOf(nodes));
        else found.unshift(...idsOf(nodes));
        cursor = size === 'first' ? pageInfo.endCursor : pageInfo.startCursor;
        if (!(size === 'first' ? pageInfo.hasNextPage : pageInfo.hasPreviousPage)) return found;
      }
    };
    await markRead(chat, user, all[4].id);
    for (const size of ['first', 'last'] as const) {
      assert.deepEqual(await walk(size, false), idsOf(all));
      assert.deepEqual(await walk(size, true), idsOf(all.slice(0, 4)));
    }
    const bad = await chat.run(
      user,
      `query ($id: ID!) { _entities(representations: [{ __typename: "Viewer", id: $id }]) {
        ... on Viewer { notifications(first: 101) { nodes { id } } } } }`,
      { id: user },
    );
    assert.equal(bad.errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
  });

  it('are marked as read up to one of them, once and for good', async () => {
    const user = newUser();
    for (let count = 0; count < 3; count++) await chat.comments(newUser(), user);
    const [newest, middle, oldest] = await toldTo(chat, user);
    const { readUpTo, userErrors } = await markRead(chat, user, middle.id);
    assert.deepEqual([readUpTo.id, userErrors], [middle.id, []]);
    const marks = async () => (await toldTo(chat, user)).map(({ readAt }) => readAt);
    assert.deepEqual(await marks(), [null, readUpTo.readAt, readUpTo.readAt]);
    assert.equal((await markRead(chat, user, oldest.id)).readUpTo.readAt, readUpTo.readAt);
    const second = (await markRead(chat, user, newest.id)).readUpTo.readAt;
    assert.deepEqual(await marks(), [second, readUpTo.readAt, readUpTo.readAt]);
    assert.deepEqual(await toldTo(chat, user, { unreadOnly: true }), []);
  });

  it('are nobody else’s: neither read nor marked', async () => {
    const [user, stranger] = [newUser(), newUser()];
    await chat.comments(stranger, user);
    const [told] = await toldTo(chat, user);
    for (const id of [told.id, newId('Notification'), newId('Event'), 'ntf_x', '\0', '']) {
      const refused = { __typename: 'NotFoundError', field: ['upToId'], id };
      assert.deepEqual(await markRead(chat, stranger, id), { readUpTo: null, userErrors: [refused] });
    }
    await assert.rejects(markRead(chat, null, told.id), /UNAUTHENTICATED/);
    assert.equal((await toldTo(chat, user))[0].readAt, null);
    for (const caller of [stranger, null])
      assert.deepEqual((await lookInto(chat, caller, user)).data, { _entities: [null] });
  });
});
