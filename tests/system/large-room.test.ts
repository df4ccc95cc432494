import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { findCommand } from '#platform/machine/debian-packages.mjs';
import { MAX_LIVE_ROOM_PEOPLE } from '#schema/media-bus.ts';
import { CLOSE_CODES, MAX_LISTED_LISTENERS } from '#schema/signalling.ts';
import { createPacketWriter, readHeader, readPayload, streamOf } from '../bench/audio/rtp.ts';
import { createSrtpReader } from '../bench/audio/srtp.ts';
import { connectTransport, NEGOTIATED } from '../bench/audio/webrtc/client-transport.ts';
import { createIdentity } from '../bench/audio/webrtc/dtls.ts';
import { produce, skipWithoutWorker, startMedia, type MediaKit } from '../media/media-kit.ts';
import { Observed } from '../media/observed.ts';
import type { SignallingClient } from '../media/signalling-client.ts';
import { take, until } from '../subgraphs/result-streams.ts';
import { join, MEDIA, must, mutate, newUser, startStream, type Stream } from '../subgraphs/stream-kit.ts';
import { TEST_SECRET } from '../support/subgraphs.ts';

const SPEAKERS = 3;
/** Connected by ICE, DTLS and SRTP, and checking every packet; the others receive as far as the media server knows. */
const EARS = 4;
const LISTENERS = MAX_LIVE_ROOM_PEOPLE - SPEAKERS - 1;
const AT_ONCE = 20;
const PACKET_MS = 20;
const PACKETS_HEARD = 25;
const ROOM = `query ($id: ID!, $after: String) { liveRoom(id: $id) { state listenerCount speakers { id } raisedHands { id }
  participants(first: 100, after: $after, role: LISTENER) { nodes { id } pageInfo { hasNextPage endCursor } } } }`;
const EVENTS = `subscription ($id: ID!) { liveRoomEvents(liveRoomId: $id) { __typename ... on ListenersChanged { listenerCount } } }`;

interface ListenersPage {
  readonly nodes: readonly { readonly id: string }[];
  readonly pageInfo: { readonly endCursor: string; readonly hasNextPage: boolean };
}

interface Guest {
  readonly user: string;
  readonly participantId: string;
  readonly client: SignallingClient;
}

const skip = skipWithoutWorker || (findCommand('openssl') === null && !process.env.CI ? 'no openssl' : false);

describe(`A live room with ${MAX_LIVE_ROOM_PEOPLE} people`, { skip }, () => {
  let stream: Stream;
  let kit: MediaKit;
  let id: string;
  let host: Guest;
  /** What is to be closed in the end. */
  const open: (() => void)[] = [];
  const speakers: Guest[] = [];
  const listeners: Guest[] = [];

  before(async () => {
    stream = await startStream();
    const { durableBus, liveBus } = stream;
    kit = await startMedia({
      durableBus,
      liveBus,
      secret: TEST_SECRET,
      maxPeersPerRoom: MAX_LIVE_ROOM_PEOPLE,
    });
    stream.setMedia({ ...MEDIA, url: kit.url });
    const user = newUser();
    const input = { title: 'A thousand', capacity: MAX_LIVE_ROOM_PEOPLE };
    ({ id } = (await must(stream, user, 'createLiveRoom', { input })).liveRoom);
    await must(stream, user, 'startLiveRoom', { id });
    host = await come(user);
  });
  after(async () => {
    for (const close of open) close();
    await kit.close();
    await stream.close();
  });

  /** As a client does it: with the graph's grant to the media server that it names. */
  const come = async (user = newUser()): Promise<Guest> => {
    const { token, participant } = await mutate(stream, user, 'joinLiveRoom', { id });
    const client = kit.connect();
    const { routerRtpCapabilities } = await client.request('authenticate', { token });
    const { participants } = await client.request('join', { rtpCapabilities: routerRtpCapabilities });
    assert.ok(participants.length <= MAX_LISTED_LISTENERS + SPEAKERS + 1);
    return { user, client, participantId: participant.id };
  };
  const many = async (count: number, run: (index: number) => Promise<void>) => {
    let next = 0;
    const some = async () => {
      while (next < count) await run(next++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, some));
  };
  const room = async (after: string | null = null) =>
    (await stream.data(host.user, ROOM, { id, after })).liveRoom;
  const everybody = () => [host, ...speakers, ...listeners];
  const listener = (index: number) => listeners.at(index) ?? assert.fail('nobody came');

  test('takes all of them in, tells a follower of the log no more than it can read, and refuses the next one', async () => {
    const feed = await stream.subscribe(host.user, EVENTS, { id });
    let events = 0;
    const counted = (async () => {
      for (let count = 0; count !== LISTENERS; events++) {
        const [{ liveRoomEvents: event }] = await take(feed, 1);
        count = event.listenerCount ?? count;
      }
    })();
    await many(SPEAKERS, async () => void speakers.push(await come()));
    for (const { participantId } of speakers) {
      await until(async () => (await room()).listenerCount > 0);
      await must(stream, host.user, 'setLiveRole', { liveRoomId: id, participantId, role: 'SPEAKER' });
    }
    const fromMs = performance.now();
    await many(LISTENERS, async () => void listeners.push(await come()));
    await counted;
    const seconds = (performance.now() - fromMs) / 1_000;
    await feed.return();
    assert.ok(events <= MAX_LISTED_LISTENERS + 3 * (SPEAKERS + 1) + 1 + seconds, `${events} events`);
    assert.equal((await mutate(stream, newUser(), 'joinLiveRoom', { id })).__typename, 'RoomFullError');
    assert.equal((await mutate(stream, listener(-1).user, 'joinLiveRoom', { id })).__typename, 'LiveJoin');
  });

  test('is listed whole, in the graph and by the media server', async () => {
    const inGraph: string[] = [];
    for (let after: string | null = null, isMore = true; isMore;) {
      const page: ListenersPage = (await room(after)).participants;
      inGraph.push(...page.nodes.map((one) => one.id));
      ({ endCursor: after, hasNextPage: isMore } = page.pageInfo);
    }
    const inMedia: string[] = [];
    for (let after: string | null = ''; after !== null;) {
      const page: { participants: { participantId: string }[]; next: string | null } =
        await host.client.request('listListeners', { after });
      inMedia.push(...page.participants.map(({ participantId }) => participantId));
      after = page.next;
    }
    const ids = listeners.map(({ participantId }) => participantId).sort();
    assert.deepEqual([inGraph.sort(), inMedia], [ids, ids]);
  });

  test('hears whoever speaks, and sees the level', async () => {
    const [speaker, ...others] = speakers;
    assert.ok(speaker);
    for (const [index, { client }] of others.entries()) await produce(client, 700 + index);
    const identity = createIdentity();
    const mouth = await connectTransport(speaker.client, 'send', identity, () => undefined);
    const rtpParameters = streamOf(707);
    const { producerId } = await speaker.client.request('produce', {
      transportId: mouth.transportId,
      rtpParameters,
    });
    const heard: Observed<number>[] = [];
    await many(LISTENERS, async (index) => {
      const { client } = listener(index);
      if (index >= EARS) await client.request('createTransport', { direction: 'recv' });
      else heard.push(await listen(client, producerId));
      const { consumerId } = await client.request('consume', { producerId });
      await client.request('resumeConsumer', { consumerId });
    });
    const next = createPacketWriter(707);
    const talk = setInterval(() => {
      const packet = next(0n);
      mouth.send(packet, readHeader(packet)?.bytes ?? 0);
    }, PACKET_MS);
    open.push(() => clearInterval(talk), mouth.close);
    for (const one of heard) await one.find((count) => count >= PACKETS_HEARD);
    await Promise.all(
      everybody().map(({ client }) =>
        client.notified('audioLevels', ({ levels }) =>
          levels.some((one) => one.participantId === speaker.participantId),
        ),
      ),
    );

    async function listen(client: SignallingClient, wanted: string): Promise<Observed<number>> {
      const counts = new Observed<number>();
      let read: ReturnType<typeof createSrtpReader> | null = null;
      const ear = await connectTransport(client, 'recv', identity, (packet) => {
        const header = readHeader(packet);
        if (header && read) counts.add(readPayload(read(packet, header.bytes)).count);
      });
      read = createSrtpReader(NEGOTIATED, ear.readerKey);
      open.push(ear.close);
      await client.request('consume', { producerId: wanted });
      return counts;
    }
  });

  test('asks to speak, is let speak, and is muted, with everybody told of it', async () => {
    const asking = [listener(-1), listener(-2), listener(-3)];
    for (const { user } of asking) await must(stream, user, 'raiseHand', { liveRoomId: id });
    const ids = asking.map(({ participantId }) => participantId);
    assert.deepEqual(
      (await room()).raisedHands.map((one: { id: string }) => one.id),
      ids,
    );
    const [participantId] = ids;
    await must(stream, host.user, 'setLiveRole', { liveRoomId: id, participantId, role: 'SPEAKER' });
    await Promise.all(
      everybody().map(({ client, participantId: own }) =>
        own === participantId
          ? client.notified('roleChanged', ({ role }) => role === 'SPEAKER')
          : client.notified(
              'peerJoined',
              (one) => one.participantId === participantId && one.role === 'SPEAKER',
            ),
      ),
    );
    await must(stream, host.user, 'muteAll', { liveRoomId: id });
    const muted = [...speakers.map((one) => one.participantId), participantId];
    await Promise.all(
      everybody().flatMap(({ client }) =>
        muted.map((one) =>
          client.notified('muteChanged', (data) => data.participantId === one && data.muted),
        ),
      ),
    );
  });

  test('goes on without those who leave, fall silent or are put out', async () => {
    const [leaves, breaks, banned] = [listener(-4), listener(-5), listener(-6)];
    await leaves.client.request('leave', {});
    await must(stream, host.user, 'removeParticipant', {
      liveRoomId: id,
      participantId: banned.participantId,
      ban: true,
    });
    assert.equal((await banned.client.closed).code, CLOSE_CODES.REMOVED);
    breaks.client.socket.terminate();
    const left = LISTENERS - 3;
    await Promise.all(
      [host, listener(0)].map(({ client }) =>
        client.notified('listenerCount', ({ count }) => count === left),
      ),
    );
    await until(async () => (await room()).listenerCount === left);
    await assert.rejects(join(stream, banned.user, id), /ForbiddenError/);
  });

  test('ends for everybody', async () => {
    await must(stream, host.user, 'endLiveRoom', { id });
    const inside = everybody().filter(({ client }) => client.socket.readyState === client.socket.OPEN);
    assert.ok(inside.length >= MAX_LIVE_ROOM_PEOPLE - 3);
    const codes = await Promise.all(inside.map(async ({ client }) => (await client.closed).code));
    assert.deepEqual([...new Set(codes)], [CLOSE_CODES.ROOM_ENDED]);
    await until(async () => (await room()).state === 'ENDED');
  });
});
