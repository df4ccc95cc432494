import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { encodeCursor } from '#platform/events/cursor.ts';
import { newId } from '#platform/ids.ts';
import { UPSTREAMS } from '../support/subgraph-upstreams.ts';
import { must, newUser, openChannel, say, startChat, type Chat } from './chat-kit.ts';
import { endOf, take } from './result-streams.ts';

const EVENT = `__typename seq cursor
  ... on MessageCreated { message { id content author { id } } }
  ... on MessageEdited { message { content revision } }
  ... on MessageDeleted { messageId byModerator }
  ... on ReactionChanged { emoji added count user { id } }
  ... on MembershipChanged { userId change role }
  ... on RoomUpdated { room { name } }
  ... on ReadMarkerMoved { userId lastReadSeq }
  ... on ResyncRequired { reason }`;
const FOLLOW = `subscription ($roomId: ID!, $after: EventCursor) { roomEvents(roomId: $roomId, after: $after) { ${EVENT} } }`;
const BEGINNING = encodeCursor({ epoch: 0, seq: 0 });

for (const upstream of UPSTREAMS)
  describe(`events of a room by ${upstream}`, () => {
    let chat: Chat;
    before(async () => void (chat = await startChat({ upstream })));
    after(() => chat.close());

    const follow = (caller: string | null, roomId: string, after: string | null = null) =>
      chat.subscribe(caller, FOLLOW, { roomId, after });
    // oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
    const events = async (stream: Awaited<ReturnType<typeof follow>>, count: number): Promise<any[]> =>
      (await take(stream, count)).map((data) => data?.['roomEvents']);
    const refusal = async (caller: string | null, variables: Record<string, unknown>) => {
      const scope = { headers: {}, signal: new AbortController().signal };
      const request = { query: FOLLOW, variables };
      if (caller !== null) return assert.rejects(chat.subscribe(caller, FOLLOW, variables), /refused/);
      const result = await chat.open.subgraph.endpoint.subscribe(request, scope);
      assert.ok('errors' in result);
      return result.errors?.[0]?.extensions?.['code'];
    };

    it('replays from a cursor and goes on live, without gap or duplicate [E06]', async () => {
      const [owner, member] = [newUser(), newUser()];
      const roomId = await openChannel(chat, [owner]);
      for (let index = 0; index < 5; index++) await say(chat, owner, roomId, `before ${index}`);
      const opening = follow(member, roomId, BEGINNING);
      const writing = Promise.all(
        Array.from({ length: 20 }, (_, index) => say(chat, owner, roomId, `during ${index}`)),
      );
      const stream = await opening;
      await writing;
      for (let index = 0; index < 5; index++) await say(chat, owner, roomId, `after ${index}`);
      const seen = await events(stream, 32);
      assert.deepEqual(
        seen.map(({ seq }) => seq),
        Array.from({ length: 32 }, (_, index) => index + 1),
      );
      assert.equal(seen[0].__typename, 'RoomCreated');
      assert.equal(seen[31].message.content, 'after 4');
      assert.equal(seen[31].message.author.id, owner);
      await stream.return();

      const resumed = await follow(member, roomId, seen[29].cursor);
      assert.deepEqual(
        (await events(resumed, 2)).map(({ seq }) => seq),
        [31, 32],
      );
      await resumed.return();
    });

    it('misses nothing that happens after the room was read, with the cursor of that reading', async () => {
      const owner = newUser();
      const roomId = await openChannel(chat, [owner]);
      await say(chat, owner, roomId, 'read');
      const { room } = await chat.data(owner, `query ($id: ID!) { room(id: $id) { eventCursor } }`, {
        id: roomId,
      });
      await say(chat, owner, roomId, 'missed while away');
      const stream = await follow(owner, roomId, room.eventCursor);
      assert.equal((await events(stream, 1))[0].message.content, 'missed while away');
      await stream.return();
    });

    it('tells every kind of change, with objects as they are at delivery', async () => {
      const [owner, member] = [newUser(), newUser()];
      const roomId = await openChannel(chat, [owner]);
      // By polls everything is delivered as soon as it happens: there it is followed behind all of it.
      const early = upstream === 'polls' ? null : await follow(owner, roomId);
      await must(chat, member, 'joinRoom', { roomId });
      const { id: messageId } = await say(chat, member, roomId, 'secret');
      await must(chat, owner, 'addReaction', { messageId, emoji: '🔥' });
      await must(chat, member, 'editMessage', { messageId, content: 'edited' });
      await must(chat, owner, 'deleteMessage', { messageId });
      await must(chat, owner, 'updateRoom', { input: { roomId, name: 'reels' } });
      await must(chat, owner, 'setMemberRole', { roomId, userId: member, role: 'MODERATOR' });
      await must(chat, owner, 'banMember', { roomId, userId: member });
      await must(chat, owner, 'unbanMember', { roomId, userId: member });
      const stream = early ?? (await follow(owner, roomId, BEGINNING));
      // The room, and its owner in it.
      if (!early) await take(stream, 2);
      const seen = (await events(stream, 9)).map(({ cursor: _cursor, seq: _seq, ...event }) => event);
      assert.deepEqual(seen, [
        { __typename: 'MembershipChanged', userId: member, change: 'JOINED', role: 'MEMBER' },
        { __typename: 'MessageCreated', message: { id: messageId, content: null, author: { id: member } } },
        { __typename: 'ReactionChanged', emoji: '🔥', added: true, count: 1, user: { id: owner } },
        { __typename: 'MessageEdited', message: { content: null, revision: 2 } },
        { __typename: 'MessageDeleted', messageId, byModerator: true },
        { __typename: 'RoomUpdated', room: { name: 'reels' } },
        { __typename: 'MembershipChanged', userId: member, change: 'ROLE_CHANGED', role: 'MODERATOR' },
        { __typename: 'MembershipChanged', userId: member, change: 'BANNED', role: null },
        { __typename: 'MembershipChanged', userId: member, change: 'UNBANNED', role: null },
      ]);
      await stream.return();
    });

    it('tells who has read on in a direct room [F05]', async () => {
      const [a, b] = [newUser(), newUser()];
      const { room } = await must(chat, a, 'createRoom', { input: { kind: 'DIRECT', memberIds: [b] } });
      await say(chat, a, room.id, 'hi');
      const stream = await follow(a, room.id);
      await must(chat, b, 'markRead', { roomId: room.id, upToSeq: 1 });
      const [{ __typename, userId, lastReadSeq }] = await events(stream, 1);
      assert.deepEqual([__typename, userId, lastReadSeq], ['ReadMarkerMoved', b, 1]);
      await stream.return();
    });

    it('ends with the reason for who is removed from a private room, behind the event that says so', async () => {
      const reasons = {
        kickMember: 'This room is for its members only.',
        banMember: 'You were banned from this room.',
        leaveRoom: 'This room is for its members only.',
      };
      for (const removal of ['kickMember', 'banMember', 'leaveRoom'] as const) {
        const [owner, member] = [newUser(), newUser()];
        const roomId = await openChannel(chat, [owner, member], { visibility: 'PRIVATE' });
        const stream = await follow(member, roomId);
        await say(chat, owner, roomId, 'for members');
        await must(chat, removal === 'leaveRoom' ? member : owner, removal, { roomId, userId: member });
        await say(chat, owner, roomId, 'no longer for you');
        const seen = await events(stream, 2);
        assert.deepEqual([seen[1].__typename, seen[1].userId], ['MembershipChanged', member]);
        assert.equal(await endOf(stream), `FORBIDDEN ${reasons[removal]}`);
      }
    });

    it('goes on for who is removed from a public room, and ends for strangers when it turns private', async () => {
      const [owner, member] = [newUser(), newUser()];
      const roomId = await openChannel(chat, [owner, member]);
      const [stream, anonymous] = [await follow(member, roomId), await follow(null, roomId)];
      await must(chat, owner, 'kickMember', { roomId, userId: member });
      await say(chat, owner, roomId, 'public');
      for (const open of [stream, anonymous])
        assert.equal((await events(open, 2))[1].__typename, 'MessageCreated');
      await must(chat, owner, 'updateRoom', { input: { roomId, visibility: 'PRIVATE' } });
      await say(chat, owner, roomId, 'private');
      for (const open of [stream, anonymous]) {
        const [last] = await events(open, 1);
        assert.deepEqual([last.__typename, last.room], ['RoomUpdated', null]);
        assert.equal(await endOf(open), 'FORBIDDEN This room is for its members only.');
      }
    });

    it('replays an old removal of someone who is back without ending', async () => {
      const [owner, member] = [newUser(), newUser()];
      const roomId = await openChannel(chat, [owner, member], { visibility: 'PRIVATE' });
      await must(chat, owner, 'kickMember', { roomId, userId: member });
      await must(chat, owner, 'addMember', { roomId, userId: member });
      await say(chat, owner, roomId, 'welcome back');
      const stream = await follow(member, roomId, BEGINNING);
      assert.equal((await events(stream, 6))[5].message.content, 'welcome back');
      await stream.return();
    });

    it('is refused where the room cannot be seen or the cursor is none', async () => {
      const [owner, stranger] = [newUser(), newUser()];
      const hidden = await openChannel(chat, [owner], { visibility: 'PRIVATE' });
      await refusal(stranger, { roomId: hidden });
      for (const roomId of [hidden, newId('Room'), 'nonsense'])
        assert.equal(await refusal(null, { roomId }), 'NOT_FOUND');
      const open = await openChannel(chat, [owner]);
      assert.equal(await refusal(null, { roomId: open, after: 'garbage' }), 'BAD_USER_INPUT');
    });

    it('asks for a resync where the log cannot continue, and then goes on', async () => {
      const owner = newUser();
      const roomId = await openChannel(chat, [owner]);
      const stream = await follow(owner, roomId, encodeCursor({ epoch: 1, seq: 99 }));
      const [resync] = await events(stream, 1);
      await say(chat, owner, roomId, 'later');
      const [next] = await events(stream, 1);
      assert.deepEqual([resync.__typename, resync.reason], ['ResyncRequired', 'EPOCH_CHANGED']);
      assert.equal(next.seq, resync.seq + 1);
      await stream.return();
    });

    it('ends at once when its reader goes away, also while it waits', async () => {
      const owner = newUser();
      const stream = await follow(owner, await openChannel(chat, [owner]));
      const waiting = stream.next();
      await stream.return();
      assert.equal((await waiting).done, true);
    });

    it('can be polled in pages that end where the log does', async () => {
      const owner = newUser();
      const roomId = await openChannel(chat, [owner]);
      for (let index = 0; index < 4; index++) await say(chat, owner, roomId, `message ${index}`);
      const query = `query ($id: ID!, $after: EventCursor!, $first: Int) { room(id: $id) {
      events(after: $after, first: $first) { hasMore endCursor events { ${EVENT} } } } }`;
      const poll = async (after: string, first: number) =>
        (await chat.data(owner, query, { id: roomId, after, first })).room.events;
      const first = await poll(BEGINNING, 4);
      assert.deepEqual(
        [first.events.map(({ seq }: { seq: number }) => seq), first.hasMore],
        [[1, 2, 3, 4], true],
      );
      const rest = await poll(first.endCursor, 500);
      assert.deepEqual([rest.events.map(({ seq }: { seq: number }) => seq), rest.hasMore], [[5, 6], false]);
      assert.deepEqual(await poll(rest.endCursor, 10), {
        events: [],
        hasMore: false,
        endCursor: rest.endCursor,
      });
      const foreign = await poll(encodeCursor({ epoch: 1, seq: 1 }), 10);
      assert.equal(foreign.events[0].reason, 'EPOCH_CHANGED');
      assert.equal(foreign.endCursor, rest.endCursor);
      for (const [after, size] of [
        ['garbage', 10],
        [BEGINNING, 0],
        [BEGINNING, 501],
      ] as const) {
        const { errors } = await chat.run(owner, query, { id: roomId, after, first: size });
        assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
      }
    });
  });
