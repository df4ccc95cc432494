import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { take, until } from './result-streams.ts';
import {
  enter,
  must,
  newUser,
  openLiveRoom,
  refusals,
  startStream,
  tell,
  type Stream,
} from './stream-kit.ts';

const FOLLOW =
  'subscription ($id: ID!) { liveReactions(liveRoomId: $id) { liveRoomId counts { reaction count } } }';

describe('reactions in a live room', () => {
  let stream: Stream;
  /** Stands still but for what tests let pass. */
  let nowMs = Date.now();
  before(async () => void (stream = await startStream({ now: () => new Date(nowMs) })));
  after(() => stream.close());

  const setTheScene = async (listeners: number) => {
    const host = newUser();
    const id = await openLiveRoom(stream, host);
    const people = [host, ...Array.from({ length: listeners }, newUser)];
    for (const user of people) await enter(stream, user, id);
    return { id, host, people };
  };
  const react = (user: string, liveRoomId: string, reaction: string) =>
    must(stream, user, 'reactInLiveRoom', { liveRoomId, reaction });

  it('are added up, and told to whoever sees the room', async () => {
    const { id, people } = await setTheScene(3);
    const feeds = [
      await stream.subscribe(newUser(), FOLLOW, { id }),
      await stream.subscribe(null, FOLLOW, { id }),
    ];
    await Promise.all(people.map((user) => react(user, id, 'APPLAUSE')));
    nowMs += 250;
    assert.equal((await react(people[0] ?? '', id, 'HEART')).reaction, 'HEART');
    for (const feed of feeds) {
      const counted = new Map<string, number>();
      // One report, or two where the machine was busy.
      while ([...counted.values()].reduce((sum, count) => sum + count, 0) < 5) {
        const [{ liveReactions }] = await take(feed, 1);
        assert.equal(liveReactions.liveRoomId, id);
        for (const { reaction, count } of liveReactions.counts)
          counted.set(reaction, (counted.get(reaction) ?? 0) + count);
      }
      assert.deepEqual([...counted].sort(), [
        ['APPLAUSE', 4],
        ['HEART', 1],
      ]);
      await feed.return?.();
    }
  });

  it('are given by whoever is in the room, and nobody else', async () => {
    const { id, host } = await setTheScene(0);
    const refused = (user: string, liveRoomId: string) =>
      refusals(stream, user, 'reactInLiveRoom', { liveRoomId, reaction: 'FIRE' });
    assert.deepEqual(await refused(newUser(), id), ['ForbiddenError liveRoomId']);
    assert.deepEqual(await refused(host, 'liv_x'), ['NotFoundError liveRoomId']);
    assert.deepEqual(await refused(host, newId('LiveRoom')), ['NotFoundError liveRoomId']);
    await must(stream, host, 'endLiveRoom', { id });
    assert.deepEqual(await refused(host, id), ['NotLiveError liveRoomId']);
  });

  it('are four in a second of one person, however many come at once', async () => {
    const { id, host } = await setTheScene(0);
    const args = { liveRoomId: id, reaction: 'WOW' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => refusals(stream, host, 'reactInLiveRoom', args)),
    );
    assert.equal(answers.filter((refusal) => refusal.length === 0).length, 1);
    assert.ok(answers.flat().every((refusal) => refusal === 'RateLimitedError liveRoomId'));
    nowMs += 249;
    assert.deepEqual(await refusals(stream, host, 'reactInLiveRoom', args), ['RateLimitedError liveRoomId']);
    nowMs += 1;
    await react(host, id, 'WOW');
  });

  it('are not told to whom the room is hidden', async () => {
    const [host, member] = [newUser(), newUser()];
    const roomId = newId('Room');
    const chat = { roomId, name: 'The band', visibility: 'PRIVATE', ownerId: host } as const;
    await tell(stream, `room:${roomId}`, 'room.created', { ...chat, kind: 'GROUP', topic: null });
    await tell(stream, `room:${roomId}`, 'room.memberJoined', { roomId, userId: member, role: 'MEMBER' });
    const input = { title: 'Rehearsal', chatRoomId: roomId };
    await until(async () => (await refusals(stream, host, 'createLiveRoom', { input })).length === 0);
    const id = await openLiveRoom(stream, host, { chatRoomId: roomId });
    await until(
      async () =>
        (await stream.data(member, 'query ($id: ID!) { liveRoom(id: $id) { id } }', { id })).liveRoom !==
        null,
    );
    await assert.rejects(stream.subscribe(newUser(), FOLLOW, { id }));
    await (await stream.subscribe(member, FOLLOW, { id })).return?.();
  });
});
