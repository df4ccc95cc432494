import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it, type TestContext } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { natsDurableBus } from '#platform/events/durable-bus-nats.ts';
import { redisLiveBus } from '#platform/events/live-bus-redis.ts';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import type { Subgraph, SubgraphDefinition } from '#platform/subgraph-process.ts';
import { analyticsSubgraph } from '../../subgraphs/analytics/subgraph.ts';
import { chatSubgraph } from '../../subgraphs/chat/subgraph.ts';
import { streamSubgraph } from '../../subgraphs/stream/subgraph.ts';
import { userSubgraph, type UserSubgraph } from '../../subgraphs/user/subgraph.ts';
import { createJwtAuth } from '../../gateway/auth/jwt-auth.ts';
import { silentLog } from '../support/events.ts';
import { connectSocket } from '../support/graphql-ws-client.ts';
import { services, skipWithout } from '../support/services.ts';
import { startTestSubgraph, TEST_SECRET, type TestSubgraph } from '../support/subgraphs.ts';
import { registerUser } from '../support/users.ts';
import { readEvents } from '../unit/gateway/event-reader.ts';
import { startFakeGateway } from '../unit/gateway/fake-gateway.ts';
import { must, openChannel } from './chat-kit.ts';
import { endOf, take, until } from './result-streams.ts';
import { must as mustStream, openLiveRoom, publish, type Stream } from './stream-kit.ts';

const ROOM = 'subscription ($id: ID!) { roomEvents(roomId: $id) { __typename } }';
const PRESENCE = 'subscription ($id: ID!) { presence(userIds: [$id]) { presence { status } } }';
const LIVE = 'subscription ($id: ID!) { liveRoomEvents(liveRoomId: $id) { __typename } }';
const COUNTER =
  'subscription ($id: ID!, $metric: LiveMetric!) { liveCounter(subjectId: $id, metric: $metric) { value } }';
const BLOCK = 'mutation ($id: ID!) { blockUser(userId: $id) { userErrors { message } } }';
/** Rights are looked at every 5 s in any case: what is told sooner was told by a live message. */
const BEFORE_ANY_POLL_MS = 4_500;

const skip = skipWithout('natsUrl', 'redisUrl');

/** Subgraphs as in production: each with a database and connections of its own, and nothing between them but NATS and Redis. */
describe('a right that is lost by what happens in another subgraph', { skip }, () => {
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  let user: TestSubgraph<UserSubgraph>;
  let chat: TestSubgraph<Subgraph>;
  let stream: Stream;
  let analytics: TestSubgraph<Subgraph>;

  const start = async <S extends Subgraph>(definition: SubgraphDefinition<S>) =>
    startTestSubgraph(definition, {
      durableBus: await natsDurableBus({ url: services.natsUrl ?? '', log: silentLog, namespace }),
      liveBus: await redisLiveBus({ url: services.redisUrl ?? '', log: silentLog, namespace }),
    });
  before(async () => {
    const media = {
      locate: async () =>
        ({
          available: true,
          url: 'ws://media.example',
          webUrl: 'http://media.example',
          canMix: true,
        }) as const,
    };
    [user, chat, analytics] = [
      await start(userSubgraph()),
      await start(chatSubgraph()),
      await start(analyticsSubgraph()),
    ];
    stream = { ...(await start(streamSubgraph({ media }))), setMedia: () => undefined };
  });
  after(async () => {
    for (const subgraph of [user, chat, stream, analytics]) await subgraph.close();
    const connection = await connect({ servers: [services.natsUrl ?? ''] });
    await (await jetstreamManager(connection)).streams.delete(`${namespace}_events`);
    await connection.close();
  });

  /** What these subscriptions, which were begun just before, end with after `change`; how long that took is noted. */
  const endsAfter = async (
    t: TestContext,
    streams: readonly ResultStream[],
    change: () => Promise<unknown>,
  ) => {
    const begunMs = performance.now();
    const ends = Promise.all(streams.map(endOf));
    await change();
    const changedMs = performance.now();
    const seen = await ends;
    t.diagnostic(`${Math.round(performance.now() - changedMs)} ms after the change was answered`);
    assert.ok(performance.now() - begunMs < BEFORE_ANY_POLL_MS);
    return seen;
  };
  const people = async (...handles: string[]) =>
    Promise.all(handles.map((handle) => registerUser(user, `${handle}_${randomBytes(4).toString('hex')}`)));

  it('by the end of a session: its sockets and event streams at the gateway', async (t) => {
    const [person] = await people('leaver');
    const { accessToken, viewer } = person!;
    const liveBus = await redisLiveBus({ url: services.redisUrl ?? '', log: silentLog, namespace });
    // Nobody is asked for the list of ended sessions: what is known comes over Redis.
    const auth = createJwtAuth({
      jwks: () => user.open.subgraph.keys.jwks(),
      secret: TEST_SECRET,
      log: silentLog,
      revocations: { liveBus },
    });
    const gateway = await startFakeGateway({ auth });
    const socket = await connectSocket(gateway.url, { token: accessToken });
    const authorization = `Bearer ${accessToken}`;
    const events = await readEvents(gateway.url, { query: 'subscription { ticks }' }, { authorization });
    await gateway.engine.nextUpstream();
    await user.data(viewer, 'mutation { logout { userErrors { message } } }');
    const changedMs = performance.now();
    assert.deepEqual(await socket.closed, { code: 4403, reason: 'The session was ended.' });
    assert.match((await events.next())?.data ?? '', /"The session was ended\.".*UNAUTHENTICATED/);
    t.diagnostic(`${Math.round(performance.now() - changedMs)} ms after the change was answered`);
    await gateway.close();
    await auth.close();
    await liveBus.close();
  });

  it('by a block: a direct room', async (t) => {
    const [a, b] = await people('blocker', 'blocked');
    const { room } = await must(chat, a!.id, 'createRoom', { input: { kind: 'DIRECT', memberIds: [b!.id] } });
    const streams = [a!, b!].map(({ id }) => chat.subscribe(id, ROOM, { id: room.id }));
    const ends = await endsAfter(t, await Promise.all(streams), () =>
      user.data(a!.viewer, BLOCK, { id: b!.id }),
    );
    const blocked = 'FORBIDDEN One of you has blocked the other.';
    assert.deepEqual(ends, [blocked, blocked]);
  });

  it('by a block: presence, which goes on with nothing to see', async () => {
    const [a, b] = await people('seen', 'watcher');
    await must(chat, a!.id, 'setPresence', { status: 'ONLINE' });
    const begunMs = performance.now();
    const watching = await chat.subscribe(b!.id, PRESENCE, { id: a!.id });
    assert.deepEqual(await take(watching, 1), [{ presence: { presence: { status: 'ONLINE' } } }]);
    await user.data(a!.viewer, BLOCK, { id: b!.id });
    assert.deepEqual(await take(watching, 1), [{ presence: { presence: { status: 'OFFLINE' } } }]);
    assert.ok(performance.now() - begunMs < BEFORE_ANY_POLL_MS);
    await watching.return();
  });

  it('by leaving a private chat room: its live room', async (t) => {
    const [host, member] = await people('host', 'member');
    const roomId = await openChannel(chat, [host!.id, member!.id], { visibility: 'PRIVATE' });
    let id = '';
    await until(async () => {
      id ||= await openLiveRoom(stream, host!.id, { chatRoomId: roomId }).catch(() => '');
      if (id === '') return false;
      const { liveRoom } = await stream.data(member!.id, 'query ($id: ID!) { liveRoom(id: $id) { id } }', {
        id,
      });
      return liveRoom !== null;
    });
    const following = await stream.subscribe(member!.id, LIVE, { id });
    const ends = await endsAfter(t, [following], () => must(chat, member!.id, 'leaveRoom', { roomId }));
    assert.deepEqual(ends, ['FORBIDDEN This live room is for the members of its chat room only.']);
  });

  it('by hiding a track, or making a room private: their counters', async (t) => {
    const [artist] = await people('artist');
    const { id: trackId } = await publish(stream, artist!.id);
    const roomId = await openChannel(chat, [artist!.id]);
    const watch = async (id: string, metric: string) => {
      let found: ResultStream | null = null;
      // Until the news of it has come.
      while (!found) found = await analytics.subscribe(null, COUNTER, { id, metric }).catch(() => null);
      await take(found, 1);
      return found;
    };
    const streams = [await watch(trackId, 'PLAYS'), await watch(roomId, 'MESSAGES_PER_MINUTE')];
    const ends = await endsAfter(t, streams, async () => {
      await mustStream(stream, artist!.id, 'updateTrack', { id: trackId, input: { visibility: 'PRIVATE' } });
      await must(chat, artist!.id, 'updateRoom', { input: { roomId, visibility: 'PRIVATE' } });
    });
    const lost = 'NOT_FOUND This was deleted, or is no longer for everyone.';
    assert.deepEqual(ends, [lost, lost]);
  });
});
