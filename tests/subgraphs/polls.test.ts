import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { INTERNAL_HEADER, signInternal } from '#platform/internal-auth.ts';
import { newId } from '#platform/ids.ts';
import { POLL_EXTENSION, pollAnswer, type PollAnswer } from '#platform/polling/poll-protocol.ts';
import type { SubgraphEndpoint } from '#platform/subgraph-endpoint.ts';
import { signViewer, VIEWER_HEADER } from '#platform/viewer.ts';
import { speakersTopic } from '#schema/media-bus.ts';
import { TEST_SECRET } from '../support/subgraphs.ts';
import { play, recordPlays, startAnalytics, trackTold } from './analytics-kit.ts';
import { must as chatMust, newUser, openChannel, startChat } from './chat-kit.ts';
import { openLiveRoom, startStream } from './stream-kit.ts';

const PRESENCE = 'subscription ($ids: [ID!]!) { presence(userIds: $ids) { id presence { status } } }';
const TYPING = 'subscription ($id: ID!) { typing(roomId: $id) { userId } }';
const COUNTER = 'subscription ($id: ID!) { liveCounter(subjectId: $id, metric: PLAYS) { value } }';
const SPEAKERS = 'subscription ($id: ID!) { activeSpeakers(liveRoomId: $id) { dominant } }';

interface Following {
  /** Polls once, with messages on topics, and returns what it is told. */
  poll(...messages: readonly (readonly [topic: string, payload: unknown])[]): Promise<unknown[]>;
  readonly last: PollAnswer;
}

/** Follows a subscription as a gateway does, at the pace of a test. */
function follow(
  endpoint: SubgraphEndpoint,
  userId: string,
  query: string,
  variables: Record<string, unknown>,
): Following {
  const viewer = { userId, sessionId: 'ses_test', roles: ['USER'] };
  let last: PollAnswer | null = null;
  return {
    async poll(...messages) {
      const extension = {
        ...(last && { position: last.position }),
        messages: messages.map(([topic, payload]) => ({ topic, payload })),
      };
      const headers = {
        [VIEWER_HEADER]: signViewer(viewer, TEST_SECRET),
        [INTERNAL_HEADER]: signInternal(TEST_SECRET),
      };
      const scope = { headers, signal: new AbortController().signal };
      const request = { query, variables, extensions: { [POLL_EXTENSION]: extension } };
      const result = await endpoint.execute(request, scope);
      // As it travels.
      const answer = JSON.parse(JSON.stringify(result.extensions?.[POLL_EXTENSION] ?? result));
      last = pollAnswer.parse(answer);
      return last.results.map(({ data }) => Object.values(data ?? {})[0]);
    },
    get last() {
      assert.ok(last);
      return last;
    },
  };
}

describe('what a poll tells', () => {
  it('of presence, is each person once and then those alone who look different', async () => {
    const chat = await startChat();
    const [watcher, a, b] = [newUser(), newUser(), newUser()];
    const { poll } = follow(chat.open.subgraph.endpoint, watcher, PRESENCE, { ids: [a, b] });
    const as = (id: string, status: string) => ({ id, presence: { status } });
    assert.deepEqual(await poll(), [as(a, 'OFFLINE'), as(b, 'OFFLINE')]);
    assert.deepEqual(await poll([`presence:${a}`, { userId: a }]), []);
    await chatMust(chat, b, 'setPresence', { status: 'DND' });
    assert.deepEqual(await poll([`presence:${b}`, { userId: b }]), [as(b, 'DND')]);
    // A lost hint is made good by the next poll, whatever sets it off.
    await chatMust(chat, a, 'setPresence', { status: 'ONLINE' });
    assert.deepEqual(await poll(), [as(a, 'ONLINE')]);
    assert.deepEqual(await poll(), []);
    await chat.close();
  });

  it('of typing, is what the others signalled, and nothing that was heard elsewhere', async () => {
    const chat = await startChat();
    const [owner, member] = [newUser(), newUser()];
    const roomId = await openChannel(chat, [owner, member]);
    const following = follow(chat.open.subgraph.endpoint, owner, TYPING, { id: roomId });
    assert.deepEqual(await following.poll(), []);
    const topic = `typing:${roomId}`;
    assert.ok(following.last.topics.includes(topic) && following.last.topics.includes(`room:${roomId}`));
    const signal = (userId: string) => ({ userId, until: new Date().toISOString() });
    assert.deepEqual(
      await following.poll(
        [topic, signal(owner)],
        [topic, signal(member)],
        ['typing:rom_x', signal('usr_x')],
        [topic, 1],
      ),
      [{ userId: member }],
    );
    assert.deepEqual(await following.poll(), []);
    await chat.close();
  });

  it('of a counter, is the number once and then where it is another', async () => {
    const analytics = await startAnalytics();
    const [track, artist] = [newId('Track'), newId('User')];
    await analytics.tell('track.published', `track:${track}`, trackTold(track, artist));
    await analytics.settled();
    const following = follow(analytics.open.subgraph.endpoint, artist, COUNTER, { id: track });
    assert.deepEqual(await following.poll(), [{ value: 0 }]);
    const topic = `analytics:PLAYS:${track}`;
    assert.deepEqual(following.last.topics, [topic]);
    assert.deepEqual(await following.poll([topic, null], [topic, null]), []);
    await recordPlays(analytics, artist, [play(track)]);
    assert.deepEqual(await following.poll([topic, null]), [{ value: 1 }]);
    assert.deepEqual(await following.poll([topic, null]), []);
    assert.ok(following.last.pauseMs >= 1_000);
    await analytics.close();
  });

  it('of who is heard in a live room, is the newest report among the messages', async () => {
    const stream = await startStream();
    const id = await openLiveRoom(stream, newUser());
    const following = follow(stream.open.subgraph.endpoint, newUser(), SPEAKERS, { id });
    assert.deepEqual(await following.poll(), []);
    const report = (dominant: string) =>
      [speakersTopic(id), { liveRoomId: id, dominant, levels: [] }] as const;
    assert.deepEqual(await following.poll(report('a'), [speakersTopic(id), 'garbage'], report('b')), [
      { dominant: 'b' },
    ]);
    assert.deepEqual(await following.poll(), []);
    assert.ok(following.last.pauseMs > 0);
    await stream.close();
  });
});
