import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { LISTENER_COUNT_MS, MAX_LISTED_LISTENERS } from '#schema/signalling.ts';
import { UPSTREAMS } from '../support/subgraph-upstreams.ts';
import {
  enter,
  join,
  logOf,
  must,
  newUser,
  openLiveRoom,
  startStream,
  tell,
  type Stream,
} from './stream-kit.ts';
import { take, until } from './result-streams.ts';

const EVENTS = `subscription ($id: ID!) { liveRoomEvents(liveRoomId: $id) { __typename seq at
  ... on ListenersChanged { listenerCount } ... on ParticipantJoined { participant { id } } ... on ParticipantLeft { participantId }
  ... on HandChanged { participantId raised position } } }`;
const FURTHER = 5;
const LISTENERS = MAX_LISTED_LISTENERS + FURTHER;

// oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
type Event = any;

for (const upstream of UPSTREAMS)
  describe(`A live room with more listeners than are told of one by one, followed by ${upstream}`, () => {
    let stream: Stream;
    let id: string;
    let feed: ResultStream;
    const host = newUser();
    const guests: { user: string; participantId: string }[] = [];
    const seen: Event[] = [];
    before(async () => {
      stream = await startStream({ upstream, sweepMs: 20 });
      id = await openLiveRoom(stream, host);
      feed = await stream.subscribe(host, EVENTS, { id });
    });
    after(async () => {
      await feed.return();
      await stream.close();
    });

    const next = async (): Promise<Event> => {
      const event = Object.values(Object((await take(feed, 1))[0]))[0];
      seen.push(event);
      return event;
    };
    const nextOf = async (typename: string): Promise<Event> => {
      for (;;) {
        const event = await next();
        if (event.__typename === typename) return event;
      }
    };
    /** Reads on until so many listeners are told of. */
    const told = async (count: number): Promise<void> => {
      while ((await nextOf('ListenersChanged')).listenerCount !== count);
    };
    const come = async (): Promise<void> => {
      const user = newUser();
      const participantId = await join(stream, user, id);
      guests.push({ user, participantId });
      const connection = { liveRoomId: id, participantId, serverId: 'media-1' };
      await tell(stream, 'media:media-1', 'media.participantConnected', connection);
    };
    /** As if the room's listeners were to be counted so many seconds ago. */
    const due = (liveRoomId: string, seconds: number) =>
      stream.open.foundation.database
        .fork()
        .execute(`update live_room set listeners_due_at = now() - ? * interval '1 s' where id = ?`, [
          seconds,
          liveRoomId,
        ]);
    const guest = (index: number) => guests.at(index) ?? assert.fail('nobody came');
    const idOf = (event: Event): string | undefined => event.participant?.id ?? event.participantId;
    const namesOf = (participantId: string) =>
      seen.filter((event) => idOf(event) === participantId).map(({ __typename }) => __typename);

    it('tells of the first ones, and then how many there are, once a second at most', async () => {
      await enter(stream, host, id);
      while (guests.length < LISTENERS) await come();
      await told(LISTENERS);
      await come();
      await told(LISTENERS + 1);
      const listed = seen.filter(({ __typename }) => __typename === 'ParticipantJoined').map(idOf);
      assert.deepEqual(
        listed.slice(1),
        guests.slice(0, MAX_LISTED_LISTENERS).map(({ participantId }) => participantId),
      );
      const counts = seen.filter(({ __typename }) => __typename === 'ListenersChanged');
      for (const [index, { at }] of counts.slice(1).entries())
        assert.ok(Date.parse(at) - Date.parse(counts[index].at) >= LISTENER_COUNT_MS);
      const positions = seen.map(({ seq }) => seq);
      assert.deepEqual(
        positions,
        positions.map((_, index) => positions[0] + index),
        'positions have no gap',
      );
    });

    it('tells of somebody who was only counted before anything else is told of them, and then that they leave', async () => {
      const { user, participantId } = guest(-1);
      await must(stream, user, 'raiseHand', { liveRoomId: id });
      assert.equal((await nextOf('HandChanged')).position, 1);
      await must(stream, user, 'leaveLiveRoom', { id });
      await nextOf('ParticipantLeft');
      assert.deepEqual(namesOf(participantId), ['ParticipantJoined', 'HandChanged', 'ParticipantLeft']);
    });

    it('tells of whom a moderator removes, and of others who leave the number alone', async () => {
      const [silent, removed] = [guest(-2), guest(-3)];
      await must(stream, silent.user, 'leaveLiveRoom', { id });
      await must(stream, host, 'removeParticipant', { liveRoomId: id, participantId: removed.participantId });
      await nextOf('ParticipantLeft');
      await told(LISTENERS - 2);
      assert.deepEqual(namesOf(removed.participantId), ['ParticipantJoined', 'ParticipantLeft']);
      assert.deepEqual(namesOf(silent.participantId), []);
    });

    it('gives the place of one who leaves to the next who comes', async () => {
      await must(stream, guest(0).user, 'leaveLiveRoom', { id });
      await nextOf('ParticipantLeft');
      await come();
      assert.equal(idOf(await nextOf('ParticipantJoined')), guest(-1).participantId);
    });

    it('tells how many there are where whoever was to tell it is gone', async () => {
      await due(id, 1);
      await told(LISTENERS - 2);
    });

    it('tells nothing of the kind once it is over', async () => {
      await must(stream, host, 'endLiveRoom', { id });
      const another = await openLiveRoom(stream, newUser());
      await due(id, 2);
      await due(another, 1);
      await until(async () =>
        (await logOf(stream, `live-room:${another}`)).includes('liveRoom.listenersChanged'),
      );
      assert.equal((await logOf(stream, `live-room:${id}`)).at(-1), 'liveRoom.ended');
    });
  });
