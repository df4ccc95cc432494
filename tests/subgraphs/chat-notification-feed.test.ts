import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { encodeCursor } from '#platform/events/cursor.ts';
import { newId } from '#platform/ids.ts';
import { seededRandom } from '../support/random.ts';
import { UPSTREAMS } from '../support/subgraph-upstreams.ts';
import { must, newUser, say } from './chat-kit.ts';
import {
  markRead,
  NOTIFICATIONS,
  pageOf,
  startToldChat,
  toldTo,
  type ToldChat,
} from './chat-notifications-kit.ts';
import { take } from './result-streams.ts';
import { openLiveRoom, startStream } from './stream-kit.ts';

const BEGINNING = encodeCursor({ epoch: 0, seq: 0 });

for (const upstream of UPSTREAMS)
  describe(`following one's notifications by ${upstream}`, () => {
    let chat: ToldChat;
    before(async () => void (chat = await startToldChat({ upstream })));
    after(() => chat.close());

    const follow = (userId: string, after: string | null = null) =>
      chat.subscribe(userId, NOTIFICATIONS, { after });
    const next = async (stream: Awaited<ReturnType<typeof follow>>, count: number) =>
      (await take(stream, count)).map(({ notifications }) => notifications);

    it('tells what comes, each with its place', async () => {
      const [fan, artist] = [newUser(), newUser()];
      const stream = await follow(artist);
      await chat.follows(fan, artist);
      const [first] = await next(stream, 1);
      assert.deepEqual(
        [first.__typename, first.seq, first.notification.follower],
        ['NotificationCreated', 1, { id: fan }],
      );
      await chat.comments(fan, artist);
      const [second] = await next(stream, 1);
      assert.deepEqual(
        [second.seq, second.notification.__typename, second.notification.readAt],
        [2, 'TrackCommentNotification', null],
      );
      await stream.return();
    });

    it('continues behind every position, without a gap or a duplicate, while more comes', async (t) => {
      const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
      t.diagnostic(`seed ${seed}, repeat with TEST_SEED`);
      const random = seededRandom(seed);
      const user = newUser();
      const others = Array.from({ length: 4 }, newUser);
      const direct = new Map<string, string>();
      for (const other of others) {
        const input = { kind: 'DIRECT', memberIds: [user] };
        direct.set(other, (await must(chat, other, 'createRoom', { input })).room.id);
        await chat.follows(user, other);
      }
      await chat.settled();
      const someone = () => others[Math.floor(random() * others.length)]!;
      const deeds = [
        () => chat.comments(someone(), user),
        () => chat.buys(someone(), [user, newId('Product')]),
        () => chat.goesLive(someone()),
        async () => {
          const other = someone();
          return say(chat, other, direct.get(other)!, 'again');
        },
        // Not told.
        () => chat.comments(user, user),
        async () => {
          const told = await chat.comments(someone(), user);
          await chat.durableBus.publish(told);
        },
      ];
      const act = () => deeds[Math.floor(random() * deeds.length)]!();
      const live = await follow(user);
      await Promise.all(Array.from({ length: 40 }, act));
      const told = (await toldTo(chat, user)).toReversed();
      assert.ok(told.length > 10);
      const seqs = (events: { seq: number }[]) => events.map(({ seq }) => seq);
      const ids = (events: { notification: { id: string } }[]) =>
        events.map(({ notification }) => notification.id);
      const all = await next(live, told.length);
      assert.deepEqual(
        seqs(all),
        told.map((_, index) => index + 1),
      );
      assert.deepEqual(
        ids(all),
        told.map(({ id }) => id),
      );
      const positions = [BEGINNING, ...all.map(({ cursor }) => cursor)];
      const streams = await Promise.all(positions.map((cursor) => follow(user, cursor)));
      await Promise.all([chat.comments(someone(), user), ...Array.from({ length: 10 }, act)]);
      const after = (await toldTo(chat, user)).toReversed().map(({ id }) => id);
      assert.ok(after.length > told.length);
      for (const [index, stream] of streams.entries()) {
        const rest = await next(stream, after.length - index);
        assert.deepEqual(ids(rest), after.slice(index), `behind position ${index}, seed ${seed}`);
        await stream.return();
      }
      await live.return();
    });

    it('goes on from a list without missing anything, also where nothing was told yet', async () => {
      const user = newUser();
      for (let count = 1; count <= 2; count++) {
        const { eventCursor } = await pageOf(chat, user);
        await chat.comments(newUser(), user);
        await chat.settled();
        const stream = await follow(user, eventCursor);
        assert.equal((await next(stream, 1))[0].seq, count);
        await stream.return();
      }
    });

    it('tells on a replay what was read since', async () => {
      const user = newUser();
      await chat.comments(newUser(), user);
      const [{ id }] = await toldTo(chat, user);
      const { readUpTo } = await markRead(chat, user, id);
      const stream = await follow(user, BEGINNING);
      assert.equal((await next(stream, 1))[0].notification.readAt, readUpTo.readAt);
      await stream.return();
    });

    it('asks for a fresh look where the log cannot continue', async () => {
      const user = newUser();
      for (let count = 0; count < 3; count++) await chat.comments(newUser(), user);
      await chat.settled();
      const foreign = await follow(user, encodeCursor({ epoch: 1, seq: 1 }));
      const [notice] = await next(foreign, 1);
      assert.deepEqual(
        [notice.__typename, notice.reason, notice.seq],
        ['NotificationResyncRequired', 'EPOCH_CHANGED', 3],
      );
      await chat.comments(newUser(), user);
      assert.equal((await next(foreign, 1))[0].seq, 4);
      await foreign.return();
      await chat.rows('delete from event_log where stream = ? and seq < 3', [`notifications:${user}`]);
      const { epoch } = await chat.open.foundation.events.head(`notifications:${user}`);
      const late = await follow(user, encodeCursor({ epoch, seq: 1 }));
      assert.equal((await next(late, 1))[0].reason, 'WINDOW_EXPIRED');
      await late.return();
    });

    it('is for whoever is signed in, with cursors of this API, and tells of nobody else', async () => {
      const [user, other] = [newUser(), newUser()];
      await assert.rejects(chat.subscribe(null, NOTIFICATIONS, {}), /UNAUTHENTICATED/);
      await assert.rejects(follow(user, 'x'), /MALFORMED_CURSOR/);
      const stream = await follow(user, BEGINNING);
      await chat.comments(user, other);
      await chat.settled();
      await chat.comments(other, user);
      assert.deepEqual((await next(stream, 1))[0].notification.by, { id: other });
      await stream.return();
    });
  });

describe('the start of a live room', () => {
  it('says in which chat room it is, so that its members alone are told', async () => {
    const stream = await startStream();
    const id = await openLiveRoom(stream, newUser());
    const events = await stream.open.foundation.events.read(`live-room:${id}`);
    const started = events.find(({ name }) => name === 'liveRoom.started');
    assert.equal(Object(started?.payload).chatRoomId, null);
    await stream.close();
  });
});
