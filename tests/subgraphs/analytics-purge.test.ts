import assert from 'node:assert/strict';
import { it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { startAnalytics } from './analytics-kit.ts';

const HOUR_MS = 3_600_000;

it('the purge takes the messages of rooms in which nobody writes any more, a day after the last one', async () => {
  let nowMs = Date.UTC(2026, 2, 25, 12);
  const analytics = await startAnalytics({ now: () => new Date(nowMs) });
  const [silent, busy] = [newId('Room'), newId('Room')];
  const write = async (roomId: string) => {
    const payload = { roomId, messageId: newId('Message'), authorId: newId('User') };
    await analytics.tell('message.created', `room:${roomId}`, payload, { at: new Date(nowMs).toISOString() });
    await analytics.settled();
  };
  const rooms = async () =>
    (await analytics.rows<{ room_id: string }>('select room_id from message_bucket order by room_id')).map(
      (row) => row.room_id,
    );
  await write(silent);
  nowMs += 20 * HOUR_MS;
  await write(busy);
  await analytics.open.purge.purgeDue();
  assert.deepEqual(await rooms(), [silent, busy].toSorted());
  nowMs += 6 * HOUR_MS;
  await analytics.open.purge.purgeDue();
  assert.deepEqual(await rooms(), [busy]);
  await analytics.close();
});
