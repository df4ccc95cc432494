import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import {
  logOf,
  must,
  mutate,
  newUser,
  openChannel,
  refusals,
  say,
  startChat,
  type Chat,
} from './chat-kit.ts';

describe('messages', () => {
  let chat: Chat;
  let nowMs = Date.now();
  before(async () => void (chat = await startChat({ now: () => new Date(nowMs) })));
  after(() => chat.close());

  const [author, reader] = [newUser(), newUser()];
  const MESSAGE = `query ($id: ID!) { message(id: $id) { content deletedAt clientNonce room { id } reactions { emoji } } }`;
  const read = async (caller: string | null, id: string) =>
    (await chat.data(caller, MESSAGE, { id })).message;

  it('answers the sender with id and number, and counts without a gap under load [F04]', async () => {
    const roomId = await openChannel(chat, [author, reader]);
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        say(chat, index % 2 ? author : reader, roomId, `message ${index}`),
      ),
    );
    const numbers = sent.map(({ seq }) => seq).toSorted((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    assert.equal((await logOf(chat, roomId)).filter((name) => name === 'message.created').length, 20);
  });

  it('answers a repeated nonce with the first message, also when both arrive at once', async () => {
    const roomId = await openChannel(chat, [author, reader]);
    const input = { roomId, content: 'once', clientNonce: 'same' };
    const sent = await Promise.all(
      Array.from({ length: 5 }, () => must(chat, author, 'sendMessage', { input })),
    );
    assert.equal(new Set(sent.map(({ message }) => message.id)).size, 1);
    const repeated = await must(chat, author, 'sendMessage', { input: { ...input, content: 'twice' } });
    assert.equal(repeated.message.content, 'once');
    const other = await must(chat, reader, 'sendMessage', { input });
    assert.equal(other.message.seq, 2);
    assert.equal((await read(reader, repeated.message.id)).clientNonce, null);
    assert.equal((await read(author, repeated.message.id)).clientNonce, 'same');
  });

  it('carries an answer and a track, and refuses those that cannot be', async () => {
    const [roomId, elsewhere] = [await openChannel(chat, [author]), await openChannel(chat, [author])];
    const first = await say(chat, author, roomId, 'first');
    const foreign = await say(chat, author, elsewhere, 'elsewhere');
    const trackId = newId('Track');
    const second = await say(chat, author, roomId, 'second', { replyToId: first.id, trackId });
    assert.deepEqual([second.replyTo.id, second.sharedTrack.id], [first.id, trackId]);
    const refuse = (extra: Record<string, unknown>) =>
      refusals(chat, author, 'sendMessage', {
        input: { roomId, content: 'x', clientNonce: 'bad', ...extra },
      });
    for (const replyToId of [foreign.id, newId('Message'), 'nonsense'])
      assert.deepEqual(await refuse({ replyToId }), ['NotFoundError input,replyToId']);
    assert.deepEqual(await refuse({ trackId: 'nonsense' }), ['NotFoundError input,trackId']);
  });

  it('refuses texts and nonces that break the rules, all at once, and writes nothing', async () => {
    const roomId = await openChannel(chat, [author]);
    const input = { roomId, content: 'x'.repeat(4_001), clientNonce: '' };
    assert.deepEqual(await refusals(chat, author, 'sendMessage', { input }), [
      'ValidationError input,content TOO_LONG',
      'ValidationError input,clientNonce REQUIRED',
    ]);
    assert.deepEqual(await logOf(chat, roomId), ['room.created', 'room.memberJoined']);
  });

  it('is for members only, and for nobody in rooms that they cannot see', async () => {
    const roomId = await openChannel(chat, [author]);
    const hidden = await openChannel(chat, [author], { visibility: 'PRIVATE' });
    const send = (room: string) =>
      refusals(chat, reader, 'sendMessage', { input: { roomId: room, content: 'x', clientNonce: 'x' } });
    assert.deepEqual(await send(roomId), ['ForbiddenError - SEND']);
    for (const room of [hidden, newId('Room'), '{}'])
      assert.deepEqual(await send(room), ['NotFoundError input,roomId']);
    const secret = await say(chat, author, hidden, 'secret');
    for (const caller of [reader, null]) assert.equal(await read(caller, secret.id), null);
    for (const name of ['editMessage', 'deleteMessage', 'addReaction'] as const)
      assert.deepEqual(
        await refusals(chat, reader, name, { messageId: secret.id, content: 'x', emoji: '🔥' }),
        ['NotFoundError messageId'],
      );
  });

  it('slows members down, moderators not, and says for how long', async () => {
    const roomId = await openChannel(chat, [author, reader]);
    await must(chat, author, 'updateRoom', { input: { roomId, slowModeSeconds: 30 } });
    await say(chat, reader, roomId, 'first');
    const input = { roomId, content: 'second', clientNonce: 'second' };
    nowMs += 10_000;
    const outcomes = await Promise.all([1, 2].map(() => mutate(chat, reader, 'sendMessage', { input })));
    for (const { userErrors } of outcomes) {
      assert.equal(userErrors[0].__typename, 'SlowModeError');
      assert.equal(userErrors[0].retryAfterMs, 20_000);
    }
    await say(chat, author, roomId, 'one');
    await say(chat, author, roomId, 'two');
    nowMs += 20_000;
    const raced = await Promise.all(
      ['a', 'b', 'c'].map((clientNonce) =>
        mutate(chat, reader, 'sendMessage', { input: { ...input, clientNonce } }),
      ),
    );
    assert.equal(raced.filter(({ message }) => message).length, 1);
  });

  it('lets only the author edit, and of two edits of one revision only one', async () => {
    const roomId = await openChannel(chat, [author, reader]);
    const { id: messageId } = await say(chat, author, roomId, 'draft');
    assert.deepEqual(await refusals(chat, reader, 'editMessage', { messageId, content: 'mine' }), [
      'ForbiddenError -',
    ]);
    const outcomes = await Promise.all(
      ['left', 'right'].map((content) =>
        mutate(chat, author, 'editMessage', { messageId, content, expectedRevision: 1 }),
      ),
    );
    const [won] = outcomes.filter(({ message }) => message);
    const [lost] = outcomes.filter(({ message }) => !message);
    assert.equal(won.message.revision, 2);
    assert.equal(lost.userErrors[0].__typename, 'ConflictError');
    assert.equal(lost.userErrors[0].currentVersion, 2);
    await must(chat, author, 'editMessage', { messageId, content: won.message.content });
    assert.equal((await logOf(chat, roomId)).filter((name) => name === 'message.edited').length, 1);
    for (const unknown of [newId('Message'), 'x'])
      assert.deepEqual(await refusals(chat, author, 'editMessage', { messageId: unknown, content: 'x' }), [
        'NotFoundError messageId',
      ]);
  });

  it('leaves a tombstone in place of a deleted message, for its author and for moderators', async () => {
    const roomId = await openChannel(chat, [reader, author]);
    const own = await say(chat, author, roomId, 'regret');
    const other = await say(chat, author, roomId, 'spam', { trackId: newId('Track') });
    await must(chat, reader, 'addReaction', { messageId: other.id, emoji: '🔥' });
    await must(chat, author, 'deleteMessage', { messageId: own.id });
    const removed = (await must(chat, reader, 'deleteMessage', { messageId: other.id })).message;
    assert.deepEqual(
      [removed.content, removed.sharedTrack, removed.reactions, removed.seq],
      [null, null, [], 2],
    );
    await must(chat, reader, 'deleteMessage', { messageId: other.id });
    const events = await chat.open.foundation.events.read(`room:${roomId}`);
    const deletions = events.flatMap((event) =>
      event.name === 'message.deleted' ? [event.payload.byModerator] : [],
    );
    assert.deepEqual(deletions, [false, true]);
    assert.deepEqual(await refusals(chat, author, 'editMessage', { messageId: own.id, content: 'x' }), [
      'ConflictError -',
    ]);
    const kept = await say(chat, reader, roomId, 'by the owner');
    assert.deepEqual(await refusals(chat, author, 'deleteMessage', { messageId: kept.id }), [
      'ForbiddenError - DELETE_ANY',
    ]);
  });

  it('lets moderators of the platform delete in rooms that they can read', async () => {
    const roomId = await openChannel(chat, [author]);
    const { id: messageId } = await say(chat, author, roomId, 'spam');
    const moderator = { userId: newUser(), sessionId: 'ses_test', roles: ['USER', 'MODERATOR'] };
    assert.equal((await must(chat, moderator, 'deleteMessage', { messageId })).message.content, null);
  });

  it('counts each reaction of a person once, and tells the count after each change', async () => {
    const roomId = await openChannel(chat, [author, reader]);
    const { id: messageId } = await say(chat, author, roomId, 'listen');
    const react = (caller: string, emoji: string) => must(chat, caller, 'addReaction', { messageId, emoji });
    await Promise.all([react(author, '🔥'), react(author, '🔥'), react(reader, '🔥')]);
    nowMs += 1;
    const { message } = await react(reader, '❤');
    assert.deepEqual(message.reactions, [
      { emoji: '🔥', count: 2, viewerReacted: true },
      { emoji: '❤️', count: 1, viewerReacted: true },
    ]);
    for (let index = 0; index < 2; index++)
      await must(chat, reader, 'removeReaction', { messageId, emoji: '🔥' });
    const events = await chat.open.foundation.events.read(`room:${roomId}`);
    const changes = events.flatMap((event) =>
      event.name === 'message.reactionChanged'
        ? [`${event.payload.emoji} ${event.payload.added} ${event.payload.count}`]
        : [],
    );
    assert.deepEqual(changes, ['🔥 true 1', '🔥 true 2', '❤️ true 1', '🔥 false 1']);
    assert.deepEqual(await refusals(chat, reader, 'addReaction', { messageId, emoji: 'lol' }), [
      'ValidationError emoji NOT_AN_EMOJI',
    ]);
    assert.deepEqual(await refusals(chat, newUser(), 'addReaction', { messageId, emoji: '🔥' }), [
      'ForbiddenError - REACT',
    ]);
    await must(chat, author, 'deleteMessage', { messageId });
    assert.deepEqual(await refusals(chat, reader, 'addReaction', { messageId, emoji: '🔥' }), [
      'ConflictError -',
    ]);
  });
});
