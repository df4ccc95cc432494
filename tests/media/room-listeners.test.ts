import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LISTENERS_PER_PAGE, MAX_LISTED_LISTENERS } from '#schema/signalling.ts';
import { produce, skipWithoutWorker, startMedia, type MediaKit } from './media-kit.ts';

const FURTHER = 30;
const LISTENERS = MAX_LISTED_LISTENERS + FURTHER;
/** How many may be told of in each second after the first ones. */
const PER_SECOND = 10;

describe('A room with more listeners than are told of one by one', { skip: skipWithoutWorker }, () => {
  let kit: MediaKit;
  let speaker: Awaited<ReturnType<MediaKit['enter']>>;
  const listeners: Awaited<ReturnType<MediaKit['enter']>>[] = [];
  const startedMs = performance.now();

  before(async () => {
    kit = await startMedia({ maxPeersPerRoom: LISTENERS + 10 });
    speaker = await kit.enter();
    while (listeners.length < LISTENERS) {
      const { client, participants, ...rest } = await kit.enter({ role: 'LISTENER' });
      assert.ok(participants.length <= 1 + MAX_LISTED_LISTENERS);
      assert.ok(participants.some(({ role }) => role === 'SPEAKER'));
      listeners.push({ client, participants, ...rest });
    }
  });
  after(() => kit.close());

  const idsOf = (event: string): string[] =>
    speaker.client.notifications.all.flatMap((one) => {
      const { data } = one;
      const isOne =
        one.event === event && typeof data === 'object' && data !== null && 'participantId' in data;
      return isOne ? [String(data.participantId)] : [];
    });
  const unlisted = () => {
    const listed = new Set(idsOf('peerJoined'));
    const found = listeners.find(
      ({ participantId, client }) => !listed.has(participantId) && !isClosed(client),
    );
    assert.ok(found);
    return found;
  };
  const isClosed = ({ socket }: (typeof listeners)[number]['client']) => socket.readyState !== socket.OPEN;

  test('tells of the first ones, and then how many there are, at a rate that is bounded', async () => {
    await speaker.client.notified('listenerCount', ({ count }) => count === LISTENERS);
    assert.equal(idsOf('peerJoined').length, MAX_LISTED_LISTENERS);
    const counts = speaker.client.notifications.all.filter(({ event }) => event === 'listenerCount');
    assert.ok(counts.length <= 2 + (performance.now() - startedMs) / 1_000, `${counts.length} counts`);
  });

  test('lists all of them in pages, for whoever asks', async () => {
    const seen: string[] = [];
    let after: string | null = '';
    for (let pages = 0; after !== null; pages++) {
      assert.ok(pages < 3);
      const page: { participants: { participantId: string }[]; next: string | null } =
        await speaker.client.request('listListeners', { after });
      assert.ok(page.participants.length <= LISTENERS_PER_PAGE);
      seen.push(...page.participants.map(({ participantId }) => participantId));
      after = page.next;
    }
    assert.deepEqual(seen, listeners.map(({ participantId }) => participantId).sort());
  });

  test('tells of a further listener once it may speak, and of its streams', async () => {
    const { client, participantId } = unlisted();
    await kit.order({ kind: 'setRole', liveRoomId: kit.liveRoomId, participantId, role: 'SPEAKER' });
    await client.notified('roleChanged', ({ role }) => role === 'SPEAKER');
    const come = await speaker.client.notified('peerJoined', (one) => one.participantId === participantId);
    assert.equal(come.role, 'SPEAKER');
    const producerId = await produce(client);
    await speaker.client.notified('producerOpened', (one) => one.producerId === producerId);
    await speaker.client.notified('listenerCount', ({ count }) => count === LISTENERS - 1);
  });

  test('tells of others in the place of those who leave, some in a second, and not of further ones who leave', async () => {
    const silent = unlisted();
    await silent.client.request('leave', {});
    const leaving = listeners.filter((one) => idsOf('peerJoined').includes(one.participantId)).slice(0, 5);
    const before = idsOf('peerJoined').length;
    const fromMs = performance.now();
    for (const { client } of leaving) await client.request('leave', {});
    await speaker.client.notified('listenerCount', ({ count }) => count === LISTENERS - 2 - leaving.length);
    assert.deepEqual(idsOf('peerLeft').sort(), leaving.map(({ participantId }) => participantId).sort());
    while (idsOf('peerJoined').length < before + leaving.length) await speaker.client.request('ping', {});
    const seconds = 1 + (performance.now() - fromMs) / 1_000;
    assert.ok(idsOf('peerJoined').length - before <= PER_SECOND * seconds);
  });
});
