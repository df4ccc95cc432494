import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { enter, must, newUser, openLiveRoom, startStream, tell, type Stream } from './stream-kit.ts';
import { until } from './result-streams.ts';

const PEOPLE = `query ($id: ID!, $search: String, $role: LiveRole, $first: Int, $after: String) { liveRoom(id: $id) {
  participants(search: $search, role: $role, first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }`;
const NAMES = ['Ada Lovelace', 'Łukasz 100%', 'Ben_Ada', "O'Neill", 'ÉLODIE'];

describe('people in a live room', () => {
  let stream: Stream;
  let id: string;
  const host = newUser();
  const users = NAMES.map(() => newUser());
  const ids: string[] = [];
  let seq = 0;
  const call = async (userId: string, displayName: string, handle: string) => {
    const name = seq === 0 ? 'user.registered' : 'user.profileUpdated';
    seq += 1;
    await tell(stream, `user:${userId}`, name, { userId, displayName, handle, bio: null });
  };
  const find = async (search: string | null, more: Record<string, unknown> = {}): Promise<string[]> =>
    (await stream.data(host, PEOPLE, { id, search, ...more })).liveRoom.participants.nodes.map(
      (one: { id: string }) => one.id,
    );
  /** Until what was told about people has been heard. */
  const settled = (search: string, found: readonly string[]) =>
    until(async () => (await find(search)).join() === found.join());

  before(async () => {
    stream = await startStream();
    id = await openLiveRoom(stream, host);
    await enter(stream, host, id);
    for (const [index, user] of users.entries()) {
      await call(user, NAMES[index] ?? '', `handle-${index}`);
      ids.push(await enter(stream, user, id));
    }
    await settled('handle-4', ids.slice(4));
  });
  after(() => stream.close());

  it('are found by a part of their name or handle, in any case, and by nothing that is meant as a pattern', async () => {
    const [ada, lukasz, ben, neill, elodie] = ids;
    assert.deepEqual(await find('ADA'), [ada, ben]);
    assert.deepEqual(await find('  lovel '), [ada]);
    assert.deepEqual(await find('%'), [lukasz]);
    assert.deepEqual(await find('_'), [ben]);
    assert.deepEqual(await find("o'n"), [neill]);
    assert.deepEqual(await find('élo'), [elodie]);
    assert.deepEqual(await find('HANDLE-3'), [neill]);
    assert.deepEqual(await find('nobody of this name'), []);
    for (const everybody of [null, '', '  ']) assert.equal((await find(everybody)).length, 1 + ids.length);
  });

  it('are found in pages, and by role as well', async () => {
    const [ada, , ben] = ids;
    const page = async (cursor?: string) =>
      (await stream.data(host, PEOPLE, { id, search: 'ada', first: 1, after: cursor })).liveRoom.participants;
    const first = await page();
    assert.deepEqual([first.nodes[0].id, first.pageInfo.hasNextPage], [ada, true]);
    const second = await page(first.pageInfo.endCursor);
    assert.deepEqual([second.nodes[0].id, second.pageInfo.hasNextPage], [ben, false]);
    await must(stream, host, 'setLiveRole', { liveRoomId: id, participantId: ben, role: 'SPEAKER' });
    assert.deepEqual(await find('ada', { role: 'LISTENER' }), [ada]);
    assert.deepEqual(await find('ada', { role: 'SPEAKER' }), [ben]);
  });

  it('are found by the name that they have now, and no more once they have left', async () => {
    const [user = ''] = users;
    await call(user, 'Countess', 'handle-0');
    await settled('countess', ids.slice(0, 1));
    assert.deepEqual(await find('lovelace'), []);
    await must(stream, user, 'leaveLiveRoom', { id });
    assert.deepEqual(await find('countess'), []);
  });

  it('are not looked for by what can be nobody’s name', async () => {
    const { errors } = await stream.run(host, PEOPLE, { id, search: 'x'.repeat(51) });
    assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
  });
});
