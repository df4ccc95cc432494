import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { RoomDirectory } from '../../media-server/mesh/room-directory.ts';

export interface RoomDirectoryAdapter {
  readonly name: string;
  readonly skip: string | false;
  /** Two connections as two processes would have them; the same object twice where the adapter lives in one process. */
  open(): Promise<{ here: RoomDirectory; there: RoomDirectory }>;
}

const LONG_MS = 60_000;

export function testRoomDirectory({ name, skip, open }: RoomDirectoryAdapter): void {
  const check = (
    title: string,
    run: (here: RoomDirectory, there: RoomDirectory, room: string) => Promise<void>,
  ) =>
    test(`${name}: ${title}`, { skip, timeout: 20_000 }, async () => {
      const { here, there } = await open();
      try {
        await run(here, there, `liv_${randomUUID()}`);
      } finally {
        await here.close();
        await there.close();
      }
    });

  check('tells all hosts of a room, who came first before the others', async (here, there, room) => {
    assert.deepEqual(await here.renew(room, 'media-b', LONG_MS), ['media-b']);
    // By the clock of Redis, in milliseconds.
    while ((await here.renew(`${room}-clock`, String(Date.now()), LONG_MS)).length < 3);
    assert.deepEqual(await there.renew(room, 'media-a', LONG_MS), ['media-b', 'media-a']);
    assert.deepEqual(await here.renew(room, 'media-b', LONG_MS), ['media-b', 'media-a']);
    assert.deepEqual(await here.renew(`${room}-other`, 'media-c', LONG_MS), ['media-c']);
  });

  check('forgets who leaves, and who does not renew', async (here, there, room) => {
    await here.renew(room, 'media-leaving', LONG_MS);
    await there.renew(room, 'media-dead', 1);
    await here.leave(room, 'media-leaving');
    let hosts: readonly string[];
    do hosts = await here.renew(room, 'media-here', LONG_MS);
    while (hosts.includes('media-dead'));
    assert.deepEqual(hosts, ['media-here']);
  });

  check('lets many who come at once agree on who was first', async (here, there, room) => {
    const ids = Array.from({ length: 20 }, (_, index) => `media-${index}`);
    await Promise.all(ids.map((id, index) => (index % 2 ? here : there).renew(room, id, LONG_MS)));
    const [one, other] = await Promise.all(
      [here, there].map((directory) => directory.renew(room, 'media-0', LONG_MS)),
    );
    assert.deepEqual(one, other);
    assert.equal(one?.length, ids.length);
  });
}
