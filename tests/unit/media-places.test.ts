import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RoomEntry } from '../../media-server/mesh/room-entry.ts';
import { memoryRoomDirectory, type RoomDirectory } from '../../media-server/mesh/room-directory.ts';
import { Places } from '../../media-server/places.ts';
import { silentLog } from '../support/events.ts';

const LIVE_ROOM = 'liv_1';
const TTL_MS = 60_000;

/** Places as one server has them; `elsewhere` is how many it knows of on others. */
function scene(directory: RoomDirectory | null, serverId = 'media-1', elsewhere = 0) {
  const inside = new Set<string>();
  const held = () => ({ seat: places.held, voice: [] });
  const options = { liveRoomId: LIVE_ROOM, serverId, ttlMs: TTL_MS, held, log: silentLog };
  const entry = directory && new RoomEntry({ ...options, directory });
  const places = new Places({
    kind: 'seat',
    shared: () => entry,
    isTaken: (participantId) => inside.has(participantId),
    elsewhere: () => elsewhere,
  });
  const enter = (participantId: string, limit: number | null) =>
    places.with(participantId, limit, (isFree) => {
      if (isFree) inside.add(participantId);
      return isFree;
    });
  const leave = (participantId: string) => {
    inside.delete(participantId);
    places.review(participantId);
  };
  return { places, inside, enter, leave };
}

const PEOPLE = ['a', 'b', 'c', 'd', 'e'];
const away = () => Promise.reject(new Error('Redis is away'));
const AWAY: RoomDirectory = { ...memoryRoomDirectory(), take: away, give: away, renew: away, leave: away };

describe('Places in a room', () => {
  for (const [where, directory] of [
    ['on one server', () => null],
    ['in a directory', memoryRoomDirectory],
    ['while the directory is away', () => AWAY],
  ] as const) {
    test(`are as many as there are, ${where}, and whoever has one keeps it`, async () => {
      const { places, inside, enter, leave } = scene(directory());
      await Promise.all(PEOPLE.map((one) => enter(one, 2)));
      assert.equal(inside.size, 2);
      const [first = '', second = ''] = inside;
      assert.equal(await enter(first, 2), true);
      leave(second);
      assert.equal(await enter('f', 2), true);
      assert.equal(await enter('g', 2), false);
      assert.equal(await enter('g', null), true, 'without a limit');
      assert.deepEqual(places.held.toSorted(), [first, 'f', 'g'].toSorted());
    });

    test(`are given back, ${where}, where coming came to nothing`, async () => {
      const { places, enter } = scene(directory());
      const failing = places.with('a', 1, () => Promise.reject(new Error('the socket was closed')));
      assert.equal(await enter('b', 1), false, 'it is still being used');
      await assert.rejects(failing, /the socket was closed/);
      assert.deepEqual(places.held, []);
      assert.equal(await enter('b', 1), true);
    });
  }

  test('count those of other servers that are known while the directory is away', async () => {
    const { enter } = scene(AWAY, 'media-1', 2);
    assert.equal(await enter('a', 3), true);
    assert.equal(await enter('b', 3), false);
  });

  test('go with whom they are of, and are not taken away by the server that was left', async () => {
    const directory = memoryRoomDirectory();
    const [one, two] = [scene(directory, 'media-1'), scene(directory, 'media-2')];
    assert.equal(await one.enter('a', 1), true);
    assert.equal(await two.enter('a', 1), true);
    one.leave('a');
    assert.equal(await one.enter('b', 1), false);
    assert.equal(await one.enter('a', 1), true, 'and back, while the other does not know it yet');
    two.leave('a');
    assert.equal(await two.enter('b', 1), false);
    one.leave('a');
    assert.equal(await two.enter('b', 1), true);
  });
});
