import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import { newId } from '#platform/ids.ts';
import { speakersTopic } from '#schema/media-bus.ts';
import { enter, must, newUser, openLiveRoom, publish, startStream, type Stream } from './stream-kit.ts';
import { UPSTREAMS } from '../support/subgraph-upstreams.ts';
import { endOf, take } from './result-streams.ts';

const EVENTS = `subscription ($id: ID!, $after: EventCursor) { liveRoomEvents(liveRoomId: $id, after: $after) { __typename cursor seq at
  ... on LiveStateChanged { state } ... on ParticipantJoined { participant { id role } } ... on ParticipantLeft { participantId leaveReason }
  ... on ParticipantChanged { participant { id role muted } } ... on HandChanged { participantId raised position }
  ... on LiveResyncRequired { reason } } }`;
const SPEAKERS = `subscription ($id: ID!) { activeSpeakers(liveRoomId: $id) { liveRoomId dominant levels { participantId level } } }`;
const COMMENTS =
  'subscription ($id: ID!) { trackComments(trackId: $id) { body atMs author { id } track { id } } }';
const CURSOR = 'query ($id: ID!) { liveRoom(id: $id) { eventCursor } }';

// oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
type Event = any;

for (const upstream of UPSTREAMS)
  describe(`subscriptions of the stream subgraph by ${upstream}`, () => {
    let stream: Stream;
    let clockMs = Date.now();
    before(async () => void (stream = await startStream({ upstream, now: () => new Date(clockMs++) })));
    after(() => stream.close());

    const cursorOf = async (id: string) => (await stream.data(null, CURSOR, { id })).liveRoom.eventCursor;
    const eventsOf = async (feed: ResultStream, count: number): Promise<Event[]> =>
      (await take(feed, count)).map((data) => (data as { liveRoomEvents: Event }).liveRoomEvents);

    // Who joined is shown as they are when the event is read: here at the end, by polls at once.
    const roleIn = (event: Event) =>
      event.__typename === 'ParticipantJoined' ? undefined : event.participant?.role;

    it('tell everything that happens in a live room, in order [S21]', async () => {
      const [host, guest] = [newUser(), newUser()];
      const { id } = (await must(stream, host, 'createLiveRoom', { input: { title: 'Studio' } })).liveRoom;
      const feed = await stream.subscribe(null, EVENTS, { id });
      await must(stream, host, 'startLiveRoom', { id });
      const hostId = await enter(stream, host, id);
      const guestId = await enter(stream, guest, id);
      await must(stream, guest, 'raiseHand', { liveRoomId: id });
      await must(stream, host, 'setLiveRole', { liveRoomId: id, participantId: guestId, role: 'SPEAKER' });
      await must(stream, guest, 'leaveLiveRoom', { id });
      await must(stream, host, 'endLiveRoom', { id });
      const events = await eventsOf(feed, 8);
      assert.deepEqual(
        events.map(({ seq }) => seq),
        [2, 3, 4, 5, 6, 7, 8, 9],
      );
      assert.deepEqual(
        events.map((event) => [
          event.__typename,
          event.state ?? event.participant?.id ?? event.participantId,
          event.raised ?? event.leaveReason ?? roleIn(event),
        ]),
        [
          ['LiveStateChanged', 'LIVE', undefined],
          ['ParticipantJoined', hostId, undefined],
          ['ParticipantJoined', guestId, undefined],
          ['HandChanged', guestId, true],
          ['HandChanged', guestId, false],
          ['ParticipantChanged', guestId, 'SPEAKER'],
          ['ParticipantLeft', guestId, 'CLIENT'],
          ['LiveStateChanged', 'ENDED', undefined],
        ],
      );
      assert.equal((await feed.next()).done, true);
    });

    it('replay from any cursor and go on live, without a gap or a duplicate', async () => {
      const host = newUser();
      const id = await openLiveRoom(stream, host);
      const start = await cursorOf(id);
      const participantId = await enter(stream, newUser(), id);
      await enter(stream, host, id);
      const mute = (muted: boolean) =>
        must(stream, host, 'muteParticipant', { liveRoomId: id, participantId, muted });
      for (let i = 0; i < 6; i++) await mute(i % 2 === 0);
      const writing = (async () => {
        for (let i = 0; i < 12; i++) await mute(i % 2 === 0);
      })();
      const first = await stream.subscribe(null, EVENTS, { id, after: start });
      const events = await eventsOf(first, 20);
      await first.return();
      await writing;
      assert.deepEqual(
        events.map(({ seq }) => seq),
        Array.from({ length: 20 }, (_, i) => i + 3),
      );
      const resumed = await stream.subscribe(null, EVENTS, { id, after: events[10].cursor });
      assert.equal((await eventsOf(resumed, 1))[0].seq, events[11].seq);
      await resumed.return();
    });

    it('tell the place in the queue as it is when the event is read', async () => {
      const id = await openLiveRoom(stream, newUser());
      const after = await cursorOf(id);
      const guests = [newUser(), newUser()];
      for (const guest of guests) await enter(stream, guest, id);
      for (const guest of guests) await must(stream, guest, 'raiseHand', { liveRoomId: id });
      const feed = await stream.subscribe(null, EVENTS, { id, after });
      const positions = (await eventsOf(feed, 4)).slice(2).map(({ position }) => position);
      await feed.return();
      assert.deepEqual(positions, [1, 2]);
    });

    it('ask to load anew where a cursor is of another room, and refuse one that is none', async () => {
      const [id, other] = [await openLiveRoom(stream, newUser()), await openLiveRoom(stream, newUser())];
      const feed = await stream.subscribe(null, EVENTS, { id, after: await cursorOf(other) });
      const [resync] = await eventsOf(feed, 1);
      await feed.return();
      assert.deepEqual([resync.__typename, resync.reason], ['LiveResyncRequired', 'EPOCH_CHANGED']);
      const query = { query: EVENTS, variables: { id, after: 'garbage' } };
      const scope = { headers: {}, signal: new AbortController().signal };
      const refused = await stream.open.subgraph.endpoint.subscribe(query, scope);
      assert.ok(!isResultStream(refused));
      assert.equal(refused.errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
    });

    it('are over at once for a room that is over, behind what was still to be told', async () => {
      const host = newUser();
      const id = await openLiveRoom(stream, host);
      const before = await cursorOf(id);
      await must(stream, host, 'endLiveRoom', { id });
      const late = await stream.subscribe(null, EVENTS, { id, after: before });
      assert.equal((await eventsOf(late, 1))[0].state, 'ENDED');
      assert.equal((await late.next()).done, true);
      for (const after of [null, await cursorOf(id)]) {
        const over = await stream.subscribe(null, EVENTS, { id, after });
        assert.equal((await over.next()).done, true);
      }
    });

    it('are refused for what the viewer cannot see', async () => {
      const endpoint = stream.open.subgraph.endpoint;
      const scope = { headers: {}, signal: new AbortController().signal };
      const hidden = await publish(stream, newUser(), { visibility: 'PRIVATE' });
      for (const [query, id] of [
        [EVENTS, newId('LiveRoom')],
        [SPEAKERS, 'nonsense'],
        [COMMENTS, hidden.id],
      ] as const) {
        const refused = await endpoint.subscribe({ query, variables: { id } }, scope);
        assert.ok(!isResultStream(refused));
        assert.equal(refused.errors?.[0]?.extensions?.['code'], 'NOT_FOUND');
      }
    });

    it('pass the newest speaker report on, five a second at most, and drop what is no report', async () => {
      const id = await openLiveRoom(stream, newUser());
      const feed = await stream.subscribe(null, SPEAKERS, { id });
      const report = (level: number) =>
        stream.liveBus.publish(speakersTopic(id), {
          ...{ liveRoomId: id, dominant: 'lpt_a', levels: [{ participantId: 'lpt_a', level }] },
        });
      const heard = async () => (await take(feed, 1))[0].activeSpeakers.levels[0].level;
      await stream.liveBus.publish(speakersTopic(id), { liveRoomId: id, levels: 'loud' });
      await report(0);
      assert.equal(await heard(), 0);
      const beginMs = performance.now();
      for (let i = 1; i <= 20; i++) await report(i / 20);
      const levels: number[] = [];
      while (levels.at(-1) !== 1) levels.push(await heard());
      await feed.return();
      assert.ok(levels.length <= 1 + (performance.now() - beginMs) / 200, `${levels.length} reports`);
    });

    it('bring comments as they are written, null for one deleted at once, until the track is hidden', async () => {
      const [artist, fan] = [newUser(), newUser()];
      const { id: trackId } = await publish(stream, artist);
      const feed = await stream.subscribe(fan, COMMENTS, { id: trackId });
      const gone = (await must(stream, fan, 'commentOnTrack', { trackId, body: 'oops' })).comment;
      // By polls it is read before it can be deleted.
      const told = upstream === 'polls' ? await take(feed, 1) : [];
      await must(stream, fan, 'deleteComment', { id: gone.id });
      await must(stream, artist, 'likeTrack', { id: trackId });
      await must(stream, fan, 'commentOnTrack', { trackId, body: 'here', atMs: 700 });
      if (upstream === 'polls') assert.equal(told[0].trackComments.body, 'oops');
      else assert.deepEqual(await take(feed, 1), [{ trackComments: null }]);
      assert.deepEqual(await take(feed, 1), [
        { trackComments: { body: 'here', atMs: 700, author: { id: fan }, track: { id: trackId } } },
      ]);
      await must(stream, artist, 'updateTrack', { id: trackId, input: { visibility: 'PRIVATE' } });
      assert.equal(await endOf(feed), 'FORBIDDEN The track is private now.');
    });
  });
