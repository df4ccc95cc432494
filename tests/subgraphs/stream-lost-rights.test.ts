import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { redisLiveBus } from '#platform/events/live-bus-redis.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { newId } from '#platform/ids.ts';
import { silentLog } from '../support/events.ts';
import { services, skipWithout } from '../support/services.ts';
import { enter, must, newUser, openLiveRoom, publish, startStream, tell, type Stream } from './stream-kit.ts';
import { endOf, take, until } from './result-streams.ts';

const EVENTS = `subscription ($id: ID!) { liveRoomEvents(liveRoomId: $id) { __typename ... on LiveStateChanged { state } } }`;
const SPEAKERS = `subscription ($id: ID!) { activeSpeakers(liveRoomId: $id) { dominant } }`;
const COMMENTS = `subscription ($id: ID!) { trackComments(trackId: $id) { body } }`;
const SEEN = 'query ($id: ID!) { liveRoom(id: $id) { id } }';
const HIDDEN = 'FORBIDDEN This live room is for the members of its chat room only.';
/** Rights are looked at every 5 s in any case: what is told sooner was told by a live message. */
const BEFORE_ANY_POLL_MS = 4_500;

/** A chat room with a live room, as the chat subgraph tells of it; resolves once that is known. */
async function openInChatRoom(stream: Stream, members: readonly string[], visibility: 'PUBLIC' | 'PRIVATE') {
  const [host = '', guest = ''] = members;
  const roomId = newId('Room');
  const about = { roomId, name: 'den', topic: null, visibility };
  await tell(stream, `room:${roomId}`, 'room.created', { ...about, kind: 'CHANNEL', ownerId: host });
  for (const userId of members)
    await tell(stream, `room:${roomId}`, 'room.memberJoined', { roomId, userId, role: 'MEMBER' });
  const sees = async (caller: string, id: string) =>
    (await stream.data(caller, SEEN, { id })).liveRoom !== null;
  let id = '';
  await until(async () => {
    id ||= await openLiveRoom(stream, host, { chatRoomId: roomId }).catch(() => '');
    return id !== '' && (await sees(guest, id));
  });
  return { id, roomId, about };
}

const ways = [
  { upstream: 'socket', bus: 'memory', liveBus: async () => memoryLiveBus(), skip: false },
  { upstream: 'polls', bus: 'memory', liveBus: async () => memoryLiveBus(), skip: false },
  { upstream: 'socket', bus: 'Redis', liveBus: openRedis, skip: skipWithout('redisUrl') },
] as const;

function openRedis(): Promise<LiveBus> {
  return redisLiveBus({ url: services.redisUrl ?? '', log: silentLog, namespace: newId('Event') });
}

for (const { upstream, bus, liveBus, skip } of ways)
  describe(`losing rights in stream, by ${upstream} and with live messages over ${bus}`, { skip }, () => {
    let stream: Stream;
    before(async () => void (stream = await startStream({ upstream, liveBus: await liveBus() })));
    after(() => stream.close());

    const begin = async (caller: string | null, id: string) => [
      await stream.subscribe(caller, EVENTS, { id }),
      await stream.subscribe(caller, SPEAKERS, { id }),
    ];

    it('ends what a member follows who leaves the private chat room of a live room, and nobody else’s', async () => {
      const [host, member, other] = [newUser(), newUser(), newUser()];
      const { id, roomId } = await openInChatRoom(stream, [host, member, other], 'PRIVATE');
      const begunMs = performance.now();
      const [left, kept] = [await begin(member, id), await begin(other, id)];
      await tell(stream, `room:${roomId}`, 'room.memberLeft', { roomId, userId: member, change: 'LEFT' });
      assert.deepEqual(await Promise.all(left.map(endOf)), [HIDDEN, HIDDEN]);
      assert.ok(performance.now() - begunMs < BEFORE_ANY_POLL_MS);
      await enter(stream, host, id);
      assert.equal((await take(kept[0]!, 1))[0].liveRoomEvents.__typename, 'ParticipantJoined');
      for (const one of kept) await one.return();
    });

    it('ends what strangers follow when the chat room of a live room becomes private, and not what members do', async () => {
      const [host, member, stranger] = [newUser(), newUser(), newUser()];
      const { id, roomId, about } = await openInChatRoom(stream, [host, member], 'PUBLIC');
      const begunMs = performance.now();
      const [outside, nobody, inside] = [
        await begin(stranger, id),
        await begin(null, id),
        await begin(member, id),
      ];
      await tell(stream, `room:${roomId}`, 'room.updated', { ...about, visibility: 'PRIVATE' });
      assert.deepEqual(await Promise.all([...outside, ...nobody].map(endOf)), [
        HIDDEN,
        HIDDEN,
        HIDDEN,
        HIDDEN,
      ]);
      assert.ok(performance.now() - begunMs < BEFORE_ANY_POLL_MS);
      await enter(stream, host, id);
      assert.equal((await take(inside[0]!, 1))[0].liveRoomEvents.__typename, 'ParticipantJoined');
      for (const one of inside) await one.return();
    });

    it('goes on for who is put out of a live room that everybody may see', async () => {
      const [host, guest] = [newUser(), newUser()];
      const id = await openLiveRoom(stream, host);
      const [, participantId] = [await enter(stream, host, id), await enter(stream, guest, id)];
      const [events, speakers] = await begin(guest, id);
      await must(stream, host, 'removeParticipant', { liveRoomId: id, participantId, ban: true });
      await must(stream, host, 'endLiveRoom', { id });
      assert.deepEqual(
        (await take(events!, 2)).map(({ liveRoomEvents }) => liveRoomEvents),
        [{ __typename: 'ParticipantLeft' }, { __typename: 'LiveStateChanged', state: 'ENDED' }],
      );
      await speakers!.return();
    });

    it('completes, without an error, what is followed in a live room that ends', async () => {
      const host = newUser();
      const id = await openLiveRoom(stream, host);
      const begunMs = performance.now();
      const [events, speakers] = await begin(null, id);
      const end = endOf(speakers!);
      await must(stream, host, 'endLiveRoom', { id });
      assert.equal((await take(events!, 1))[0].liveRoomEvents.state, 'ENDED');
      assert.deepEqual([await endOf(events!), await end], ['complete', 'complete']);
      assert.ok(performance.now() - begunMs < BEFORE_ANY_POLL_MS);
      assert.equal(await endOf(await stream.subscribe(null, SPEAKERS, { id })), 'complete');
    });

    it('ends comments with the reason when their track is hidden or deleted, but the artist’s own only with the track', async () => {
      const [artist, fan] = [newUser(), newUser()];
      const { id } = await publish(stream, artist);
      const begunMs = performance.now();
      const [own, theirs] = [
        await stream.subscribe(artist, COMMENTS, { id }),
        await stream.subscribe(fan, COMMENTS, { id }),
      ];
      await must(stream, artist, 'updateTrack', { id, input: { visibility: 'PRIVATE' } });
      assert.equal(await endOf(theirs), 'FORBIDDEN The track is private now.');
      await must(stream, artist, 'commentOnTrack', { trackId: id, body: 'note to self' });
      assert.deepEqual(await take(own, 1), [{ trackComments: { body: 'note to self' } }]);
      await must(stream, artist, 'deleteTrack', { id });
      assert.equal(await endOf(own), 'NOT_FOUND The track was deleted.');
      assert.ok(performance.now() - begunMs < BEFORE_ANY_POLL_MS);
    });
  });

describe('losing rights in stream while live messages get lost', () => {
  it('is noticed all the same, a few seconds later', async () => {
    const deaf: LiveBus = { ...memoryLiveBus(), publish: async () => undefined };
    const stream = await startStream({ liveBus: deaf });
    const [host, member] = [newUser(), newUser()];
    const { id, roomId } = await openInChatRoom(stream, [host, member], 'PRIVATE');
    const { id: trackId } = await publish(stream, host);
    const streams = [
      await stream.subscribe(member, EVENTS, { id }),
      await stream.subscribe(member, SPEAKERS, { id }),
      await stream.subscribe(member, COMMENTS, { id: trackId }),
    ];
    await tell(stream, `room:${roomId}`, 'room.memberLeft', { roomId, userId: member, change: 'BANNED' });
    await must(stream, host, 'deleteTrack', { id: trackId });
    assert.deepEqual(await Promise.all(streams.map(endOf)), [
      HIDDEN,
      HIDDEN,
      'NOT_FOUND The track was deleted.',
    ]);
    await stream.close();
  });
});
