import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { seededRandom } from '../support/random.ts';
import { logOf, must, mutate, newUser, openChannel, say, startChat, type Chat } from './chat-kit.ts';

describe('messages that are sent at the same time', () => {
  let chat: Chat;
  before(async () => void (chat = await startChat()));
  after(() => chat.close());

  const [author, reader] = [newUser(), newUser()];
  const open = () => openChannel(chat, [author, reader]);
  let nonce = 0;
  const send = (caller: string, roomId: string, input = {}) =>
    mutate(chat, caller, 'sendMessage', {
      input: { roomId, content: 'now', clientNonce: `together-${++nonce}`, ...input },
    });
  const kindOf = ({ message, userErrors }: { message: unknown; userErrors: { __typename: string }[] }) =>
    message ? 'sent' : userErrors.map(({ __typename }) => __typename).join();

  it('share a transaction, whatever rooms they go to [N01]', async () => {
    const rooms = await Promise.all(Array.from({ length: 10 }, () => open()));
    const { queries } = await chat.open.foundation.database.countQueries(() =>
      Promise.all(
        Array.from({ length: 80 }, (_, index) => say(chat, author, rooms[index % 10] ?? '', `${index}`)),
      ),
    );
    // At most two transactions: of the first alone, and of those that came while it was under way.
    const inserts = queries.filter((query) => query.includes('insert into message'));
    assert.ok(inserts.length <= 2, String(inserts));
    for (const roomId of rooms)
      assert.equal((await logOf(chat, roomId)).filter((name) => name === 'message.created').length, 8);
  });

  it('keep one order in each room, in the log as in their numbers', async (t) => {
    const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    t.diagnostic(`TEST_SEED=${seed}`);
    const random = seededRandom(seed);
    const rooms = await Promise.all(Array.from({ length: 4 }, () => open()));
    const pick = () => rooms[Math.floor(random() * rooms.length)] ?? '';
    const sent = await Promise.all(
      Array.from({ length: 150 }, async () => {
        const roomId = pick();
        return { roomId, ...(await say(chat, random() < 0.5 ? author : reader, roomId, 'in order')) };
      }),
    );
    for (const roomId of rooms) {
      const mine = sent.filter((message) => message.roomId === roomId).toSorted((a, b) => a.seq - b.seq);
      const events = await chat.open.foundation.events.read(`room:${roomId}`);
      assert.deepEqual(
        events.flatMap(({ name, payload }) =>
          name === 'message.created' && 'messageId' in payload ? [payload.messageId] : [],
        ),
        mine.map(({ id }) => id),
      );
      assert.deepEqual(
        mine.map(({ seq }) => seq),
        mine.map((_, index) => index + 1),
      );
    }
  });

  it('are each decided about as if those before had been written', async () => {
    const slow = await open();
    await must(chat, author, 'updateRoom', { input: { roomId: slow, slowModeSeconds: 60 } });
    const free = await open();
    const outcomes = await Promise.all([
      send(author, free),
      send(reader, slow),
      send(reader, slow),
      send(newUser(), free),
      send(author, free, { replyToId: 'msg_01000000000000000000000000' }),
      send(author, free, { clientNonce: 'the same' }),
      send(author, free, { clientNonce: 'the same' }),
      send(author, 'rom_01000000000000000000000000'),
    ]);
    assert.deepEqual(outcomes.map(kindOf), [
      'sent',
      'sent',
      'SlowModeError',
      'ForbiddenError',
      'NotFoundError',
      'sent',
      'sent',
      'NotFoundError',
    ]);
    assert.equal(outcomes[5]?.message.id, outcomes[6]?.message.id);
    assert.equal((await logOf(chat, free)).filter((name) => name === 'message.created').length, 2);
  });

  it('wait only for their own room where another process has locked one', async () => {
    const [locked, free] = [await open(), await open()];
    const lock = chat.open.foundation.database.fork();
    await lock.begin();
    await lock.execute('select 1 from room where id = ? for no key update', [locked]);
    const waiting = send(author, locked);
    const order: string[] = [];
    const both = waiting.then(() => order.push('locked'));
    for (let count = 0; count < 3; count += 1) assert.equal(kindOf(await send(author, free)), 'sent');
    order.push('free');
    await lock.rollback();
    await both;
    assert.deepEqual(order, ['free', 'locked']);
    assert.equal(kindOf(await waiting), 'sent');
  });

  it('are written all the same where the database cannot take one of them', async () => {
    const roomId = await open();
    const em = chat.open.foundation.database.fork();
    await em.execute(`create function refuse_poison() returns trigger language plpgsql as
      $$ begin if new.content = 'poison' then raise exception 'poison'; end if; return new; end $$`);
    await em.execute(
      'create trigger refuse_poison before insert on message for each row execute function refuse_poison()',
    );
    const outcomes = await Promise.allSettled(
      ['first', 'second', 'poison', 'third'].map((content) => send(author, roomId, { content })),
    );
    await em.execute('drop function refuse_poison cascade');
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    assert.equal((await logOf(chat, roomId)).filter((name) => name === 'message.created').length, 3);
  });
});
