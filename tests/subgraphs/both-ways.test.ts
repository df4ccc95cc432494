// oxlint-disable typescript/no-explicit-any -- tests assert what they read
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Subgraph } from '#platform/subgraph-process.ts';
import { userSubgraph, type UserSubgraph } from '../../subgraphs/user/subgraph.ts';
import { startTestSubgraph, type Caller, type TestSubgraph } from '../support/subgraphs.ts';
import { PASSWORD, registerUser, type RegisteredUser } from '../support/users.ts';
import { enter, must, newUser, openLiveRoom, publish, startStream, type Stream } from './stream-kit.ts';

interface List {
  readonly subgraph: TestSubgraph<Subgraph>;
  readonly caller: Caller;
  /** The query, with `LIST(ARGS)` where the list is asked for. */
  readonly query: string;
  readonly variables?: Record<string, unknown>;
}

const PAGE = '{ nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } }';
const PAGING = '$first: Int, $after: String, $last: Int, $before: String';
const ARGS = 'first: $first, after: $after, last: $last, before: $before';

const entity = (type: string, list: string, more = '') =>
  `query ($id: ID!, ${PAGING}) { _entities(representations: [{ __typename: "${type}", id: $id }]) {
    ... on ${type} { list: ${list}(${more} ${ARGS}) ${PAGE} } } }`;

async function pageOf({ subgraph, caller, query, variables }: List, args: object): Promise<any> {
  const data = await subgraph.data(caller, query, { ...variables, ...args });
  return data.list ?? data._entities[0].list;
}

/** Walks through the list from both ends, one row at a time, and compares. */
async function requireBothWays(list: List, count: number): Promise<void> {
  const all = (await pageOf(list, {})).nodes.map(({ id }: { id: string }) => id);
  assert.equal(all.length, count);
  const forward: string[] = [];
  for (let after: string | null = null; ;) {
    const { nodes, pageInfo } = await pageOf(list, { first: 1, after });
    forward.push(nodes[0].id);
    assert.equal(pageInfo.hasPreviousPage, after !== null);
    if (!pageInfo.hasNextPage) break;
    after = pageInfo.endCursor;
  }
  const backward: string[] = [];
  for (let before: string | null = null; ;) {
    const { nodes, pageInfo } = await pageOf(list, { last: 1, before });
    backward.unshift(nodes[0].id);
    assert.equal(pageInfo.hasNextPage, before !== null);
    if (!pageInfo.hasPreviousPage) break;
    before = pageInfo.startCursor;
  }
  assert.deepEqual(forward, all);
  assert.deepEqual(backward, all);
}

describe('lists of the stream subgraph are read from both ends', () => {
  let stream: Stream;
  const [artist, fan] = [newUser(), newUser()];
  const tracks: string[] = [];
  let liveRoomId: string;
  before(async () => {
    stream = await startStream();
    for (let count = 0; count < 3; count += 1) tracks.push((await publish(stream, artist)).id);
    for (const id of [tracks[1], tracks[0], tracks[2]]) await must(stream, fan, 'likeTrack', { id });
    for (const atMs of [700, null, 700, 20])
      await must(stream, fan, 'commentOnTrack', { trackId: tracks[0], body: 'x', atMs });
    liveRoomId = await openLiveRoom(stream, artist);
    await openLiveRoom(stream, fan);
    for (const user of [artist, fan, newUser()]) await enter(stream, user, liveRoomId);
  });
  after(() => stream.close());

  const list = (query: string, id?: string): List => ({
    subgraph: stream,
    caller: null,
    query,
    variables: { id },
  });

  it('tracks and likes of a user', async () => {
    await requireBothWays(list(entity('User', 'tracks'), artist), 3);
    await requireBothWays(list(entity('User', 'likedTracks'), fan), 3);
  });

  it('comments on a track, in either order', async () => {
    for (const order of ['TIMESTAMP', 'NEWEST'])
      await requireBothWays(list(entity('Track', 'comments', `order: ${order},`), tracks[0]), 4);
  });

  it('live rooms, and who is in one', async () => {
    await requireBothWays(list(`query (${PAGING}) { list: liveRooms(${ARGS}) ${PAGE} }`), 2);
    await requireBothWays(list(entity('LiveRoom', 'participants'), liveRoomId), 3);
  });
});

describe('lists of an account are read from both ends', () => {
  let user: TestSubgraph<UserSubgraph>;
  let owner: RegisteredUser;
  before(async () => {
    user = await startTestSubgraph(userSubgraph());
    owner = await registerUser(user, 'both_ways');
  });
  after(() => user.close());

  const list = (name: string): List => ({
    subgraph: user,
    caller: owner.viewer,
    query: entity('Viewer', name),
    variables: { id: owner.id },
  });

  it('its sessions', async () => {
    const login = `mutation ($input: LoginInput!) { login(input: $input) { __typename } }`;
    const input = { email: owner.email, password: PASSWORD };
    for (let count = 0; count < 2; count += 1) await user.data(null, login, { input });
    await requireBothWays(list('sessions'), 3);
  });

  it('whom it blocked', async () => {
    for (const handle of ['blocked_1', 'blocked_2', 'blocked_3']) {
      const { id } = await registerUser(user, handle);
      await user.data(owner.viewer, 'mutation ($id: ID!) { blockUser(userId: $id) { user { id } } }', { id });
    }
    await requireBothWays(list('blockedUsers'), 3);
  });
});
