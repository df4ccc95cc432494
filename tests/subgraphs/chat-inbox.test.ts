// oxlint-disable typescript/no-explicit-any -- tests assert what they read
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decodeCursor, encodeCursor } from '#platform/events/cursor.ts';
import { UPSTREAMS } from '../support/subgraph-upstreams.ts';
import { INBOX, positionOf, roomsOf, Sidebar } from './chat-inbox-kit.ts';
import { must, newUser, openChannel, say, startChat, type Chat } from './chat-kit.ts';
import { take } from './result-streams.ts';

const BEGINNING = encodeCursor({ epoch: 0, seq: 0 });

for (const upstream of UPSTREAMS)
  describe(`the inbox by ${upstream}`, () => {
    let chat: Chat;
    before(async () => void (chat = await startChat({ upstream })));
    after(() => chat.close());

    const open = (userId = newUser()) => Sidebar.open(chat, userId);
    const events = async (userId: string, after: string | null, count: number): Promise<any[]> => {
      const stream = await chat.subscribe(userId, INBOX, { after });
      const found = (await take(stream, count)).map(({ inbox }) => inbox);
      await stream.return();
      return found;
    };

    it('tells whom it concerns of each change of a room, and nobody else', async () => {
      const sidebars = await Promise.all([open(), open(), open(), open()]);
      const [owner, member, guest, outsider] = sidebars.map(({ userId }) => userId) as [
        string,
        string,
        string,
        string,
      ];
      /** Runs it, and answers with what each was told; null where that was nothing. */
      const told = async (deed: () => Promise<unknown>) => {
        await deed();
        return Promise.all(
          sidebars.map(async (sidebar) => {
            const [event = null, ...others] = await sidebar.heard();
            assert.deepEqual(others, []);
            if (event) assert.equal(event.roomId, roomId);
            return event;
          }),
        );
      };
      const whom = async (deed: () => Promise<unknown>) =>
        (await told(deed)).flatMap((event, index) => (event ? [sidebars[index]!.userId] : []));
      let roomId = '';
      const creation = await told(
        async () => (roomId = await openChannel(chat, [owner, member], { name: 'loops' })),
      );
      assert.deepEqual(
        creation.map((event) => event && [event.room.name, event.unreadCount, event.lastMessage]),
        [['loops', 0, null], ['loops', 0, null], null, null],
      );
      let messageId = '';
      const sent = await told(async () => ({ id: messageId } = await say(chat, owner, roomId, 'hello')));
      assert.deepEqual(
        sent.map((event) => event && [event.unreadCount, event.lastMessage.content]),
        [[0, 'hello'], [1, 'hello'], null, null],
      );
      const edited = await told(() =>
        must(chat, owner, 'editMessage', { messageId, content: 'hello!', expectedRevision: 1 }),
      );
      assert.deepEqual(
        edited.map((event) => event?.lastMessage.content),
        ['hello!', 'hello!', undefined, undefined],
      );
      const renamed = await told(() => must(chat, owner, 'updateRoom', { input: { roomId, name: 'tapes' } }));
      assert.deepEqual(
        renamed.map((event) => event?.room.name),
        ['tapes', 'tapes', undefined, undefined],
      );
      const read = await told(() => must(chat, member, 'markRead', { roomId, upToSeq: 1 }));
      assert.deepEqual(
        read.map((event) => event?.unreadCount),
        [undefined, 0, undefined, undefined],
      );
      const deleted = await told(() => must(chat, owner, 'deleteMessage', { messageId }));
      assert.deepEqual(
        deleted.map((event) => event && [event.lastMessage.content, event.lastMessage.deletedAt !== null]),
        [[null, true], [null, true], null, null],
      );
      const added = await told(() => must(chat, owner, 'addMember', { roomId, userId: guest }));
      assert.deepEqual(
        added.map((event) => event?.room.name),
        [undefined, undefined, 'tapes', undefined],
      );
      const promoted = await told(() =>
        must(chat, owner, 'setMemberRole', { roomId, userId: guest, role: 'ADMIN' }),
      );
      assert.deepEqual(
        promoted.map((event) => event?.room.viewerPermissions.includes('MANAGE_ROOM')),
        [undefined, undefined, true, undefined],
      );
      assert.deepEqual(await whom(() => must(chat, outsider, 'joinRoom', { roomId })), [outsider]);
      const gone = async (deed: () => Promise<unknown>) =>
        (await told(deed)).map((event) => event && [event.room, event.unreadCount, event.lastMessage]);
      const nothing = [null, null, null];
      assert.deepEqual(await gone(() => must(chat, outsider, 'leaveRoom', { roomId })), [
        ...[null, null, null, nothing],
      ]);
      assert.deepEqual(await gone(() => must(chat, owner, 'kickMember', { roomId, userId: guest })), [
        ...[null, null, nothing, null],
      ]);
      assert.deepEqual(await gone(() => must(chat, owner, 'banMember', { roomId, userId: member })), [
        ...[null, nothing, null, null],
      ]);
      // None of them was in the room.
      assert.deepEqual(await whom(() => must(chat, owner, 'banMember', { roomId, userId: guest })), []);
      assert.deepEqual(await whom(() => must(chat, owner, 'unbanMember', { roomId, userId: guest })), []);
      assert.deepEqual(await whom(() => say(chat, owner, roomId, 'alone')), [owner]);
      await Promise.all(sidebars.map((sidebar) => sidebar.leave()));
    });

    it('tells how far one has read, also where others see that, to oneself', async () => {
      const [reader, other] = [await open(), await open()];
      const { room } = await must(chat, other.userId, 'createRoom', {
        input: { kind: 'DIRECT', memberIds: [reader.userId] },
      });
      await say(chat, other.userId, room.id, 'hello');
      assert.equal((await reader.heard()).at(-1).unreadCount, 1);
      await other.heard();
      await must(chat, reader.userId, 'markRead', { roomId: room.id, upToSeq: 1 });
      const [event, ...others] = await reader.heard();
      assert.deepEqual([event.roomId, event.unreadCount, others], [room.id, 0, []]);
      assert.deepEqual(await other.heard(), []);
      await Promise.all([reader.leave(), other.leave()]);
    });

    it('goes on with each room that has changed, once and in order, and then with what comes', async () => {
      const sidebar = await open();
      const user = sidebar.userId;
      const witness = await open(user);
      const [a, b, c] = [
        await openChannel(chat, [user]),
        await openChannel(chat, [user]),
        await openChannel(chat, [user]),
      ];
      await sidebar.heard();
      await sidebar.leave();
      for (const roomId of [a, b, c, a, b, a]) await say(chat, user, roomId, `in ${roomId}`);
      await witness.heard();
      await sidebar.comeBack();
      // Besides the witness's own room.
      const missed = (await sidebar.heard()).filter(({ roomId }) => [a, b, c].includes(roomId));
      assert.deepEqual(roomsOf(missed), [c, b, a]);
      assert.deepEqual(
        missed.map(({ lastMessage }) => lastMessage.content),
        [c, b, a].map((roomId) => `in ${roomId}`),
      );
      await say(chat, user, c, 'live');
      const live = await sidebar.next();
      assert.deepEqual([live.roomId, live.lastMessage.content], [c, 'live']);
      await Promise.all([sidebar.leave(), witness.leave()]);
    });

    it('knows who came and went while they were away, and since the room has last changed', async () => {
      const [owner, user] = [newUser(), newUser()];
      const rooms = [];
      for (let index = 0; index < 4; index++) rooms.push(await openChannel(chat, [owner]));
      const [quiet, left, again, passed] = rooms as [string, string, string, string];
      for (const roomId of rooms) await say(chat, owner, roomId, 'before');
      for (const roomId of [left, again]) await must(chat, user, 'joinRoom', { roomId });
      const sidebar = await open(user);
      const { cursor } = sidebar;
      // The rooms have not changed behind the cursor, but for those in them.
      await must(chat, owner, 'addMember', { roomId: quiet, userId: user });
      await must(chat, user, 'leaveRoom', { roomId: left });
      await must(chat, user, 'leaveRoom', { roomId: again });
      await must(chat, user, 'joinRoom', { roomId: again });
      await must(chat, user, 'joinRoom', { roomId: passed });
      await must(chat, owner, 'kickMember', { roomId: passed, userId: user });
      await say(chat, owner, passed, 'not for them');
      await sidebar.heard();
      const told = await events(user, cursor, 4);
      assert.deepEqual(
        new Map(told.map(({ roomId, room, lastMessage }) => [roomId, room && lastMessage.content])),
        new Map([
          [quiet, 'before'],
          [left, null],
          [again, 'before'],
          [passed, null],
        ]),
      );
      await sidebar.leave();
    });

    it('hears at once of a room that was joined while it was followed', async () => {
      const [owner, sidebar] = [newUser(), await open()];
      for (let round = 0; round < 5; round++) {
        const roomId = await openChannel(chat, [owner]);
        await must(chat, sidebar.userId, 'joinRoom', { roomId });
        await say(chat, owner, roomId, 'welcome');
        let event = await sidebar.next();
        while (event.roomId !== roomId || event.lastMessage === null) event = await sidebar.next();
        assert.equal(event.lastMessage.content, 'welcome');
      }
      await sidebar.leave();
    });

    it('tells its members of a room that is deleted', async () => {
      const [sidebar, stranger] = [await open(), await open()];
      const roomId = await openChannel(chat, [sidebar.userId]);
      await say(chat, sidebar.userId, roomId, 'last words');
      await sidebar.heard();
      await chat.open.foundation.database.fork().execute('delete from room where id = ?', [roomId]);
      const [event] = await sidebar.heard();
      assert.deepEqual([event.roomId, event.room], [roomId, null]);
      assert.deepEqual(await stranger.heard(), []);
      await Promise.all([sidebar.leave(), stranger.leave()]);
    });

    it('goes on from the rooms that were loaded, without missing anything', async () => {
      const user = newUser();
      const query = `query ($id: ID!) { _entities(representations: [{ __typename: "Viewer", id: $id }]) { ... on Viewer {
        inbox { eventCursor rooms(first: 10) { nodes { room { id } unreadCount } } } } } }`;
      const load = async (caller: string) => (await chat.data(caller, query, { id: user }))._entities[0];
      const witness = await open(user);
      const roomId = await openChannel(chat, [user]);
      await witness.heard();
      const { inbox } = await load(user);
      assert.deepEqual(inbox.rooms.nodes[0], { room: { id: roomId }, unreadCount: 0 });
      const sent = say(chat, user, roomId, 'meanwhile');
      const [event] = await events(user, inbox.eventCursor, 1);
      await sent;
      assert.deepEqual([event.roomId, event.lastMessage.content], [roomId, 'meanwhile']);
      // It is nobody else's.
      assert.equal(await load(newUser()), null);
      await witness.leave();
    });

    it('gives more rooms than are read at once, each once and in order', async () => {
      const user = newUser();
      const rooms: string[] = [];
      for (let index = 0; index < 230; index++) rooms.push(await openChannel(chat, [user]));
      const sidebar = await open(user);
      const found = await events(user, BEGINNING, rooms.length);
      assert.deepEqual(roomsOf(found), rooms);
      const positions = found.map(positionOf);
      assert.deepEqual(
        positions,
        positions.toSorted((a, b) => a - b),
      );
      await sidebar.leave();
    });

    it('asks for a fresh look where it cannot go on, and goes on from there', async () => {
      const sidebar = await open();
      const { epoch, seq } = decodeCursor(sidebar.cursor ?? '');
      const roomId = await openChannel(chat, [sidebar.userId]);
      await sidebar.heard();
      const foreign = { epoch: (epoch % 2_147_483_646) + 1, seq };
      const future = { epoch, seq: seq + 1_000_000 };
      for (const place of [foreign, future, { epoch: 0, seq: 1 }]) {
        const stream = await chat.subscribe(sidebar.userId, INBOX, { after: encodeCursor(place) });
        const [{ inbox: notice }] = await take(stream, 1);
        assert.deepEqual([notice.__typename, notice.reason], ['InboxResyncRequired', 'EPOCH_CHANGED']);
        await say(chat, sidebar.userId, roomId, 'after that');
        const [{ inbox: next }] = await take(stream, 1);
        assert.deepEqual([next.roomId, next.lastMessage.content], [roomId, 'after that']);
        assert.ok(positionOf(next) > positionOf(notice));
        await stream.return();
      }
      await sidebar.leave();
    });

    it('is for whoever is signed in, with cursors of this API', async () => {
      await assert.rejects(chat.subscribe(null, INBOX, {}), /UNAUTHENTICATED/);
      await assert.rejects(chat.subscribe(newUser(), INBOX, { after: 'x' }), /MALFORMED_CURSOR/);
    });
  });
