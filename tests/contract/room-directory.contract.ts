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

interface Server {
  readonly directory: RoomDirectory;
  readonly serverId: string;
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

  const holder = (participantId: string, serverId: string) => ({ participantId, serverId });
  /** Ids of those of `count` people who get one of `limit` places. */
  const takers = async (room: string, count: number, limit: number, servers: readonly Server[]) => {
    const ids = Array.from({ length: count }, (_, index) => `lpt-${index}`);
    const taken = await Promise.all(
      ids.map((id, index) => {
        const { directory, serverId } = servers[index % servers.length]!;
        return directory.take('seat', room, holder(id, serverId), limit, LONG_MS);
      }),
    );
    return ids.filter((_, index) => taken[index]);
  };

  check(
    'gives out as many places as there are, whoever asks at the same moment',
    async (here, there, room) => {
      const servers = [
        { directory: here, serverId: 'media-a' },
        { directory: there, serverId: 'media-b' },
      ];
      const seated = await takers(room, 30, 7, servers);
      assert.equal(seated.length, 7);
      assert.equal(await here.take('seat', room, holder('lpt-new', 'media-a'), 7, LONG_MS), false);
      assert.equal(await here.take('seat', room, holder('lpt-new', 'media-a'), null, LONG_MS), true);
      assert.equal(await here.take('voice', room, holder('lpt-new', 'media-a'), 1, LONG_MS), true);
      assert.equal(await there.take('voice', room, holder('lpt-other', 'media-b'), 1, LONG_MS), false);
      assert.equal(await there.take('seat', `${room}-other`, holder('lpt-new', 'media-b'), 1, LONG_MS), true);
    },
  );

  check('lets a place go with whom it is of to another server', async (here, there, room) => {
    assert.ok(await here.take('seat', room, holder('lpt-1', 'media-a'), 1, LONG_MS));
    assert.ok(await there.take('seat', room, holder('lpt-1', 'media-b'), 1, LONG_MS));
    await here.give('seat', room, holder('lpt-1', 'media-a'));
    assert.equal(await here.take('seat', room, holder('lpt-2', 'media-a'), 1, LONG_MS), false);
    await there.give('seat', room, holder('lpt-1', 'media-b'));
    assert.ok(await here.take('seat', room, holder('lpt-2', 'media-a'), 1, LONG_MS));
  });

  check(
    'has the places back of servers that leave, and of those that do not renew',
    async (here, there, room) => {
      const taken = async (serverId: string) =>
        (await takers(room, 3, 3, [{ directory: here, serverId }])).length;
      assert.equal(await taken('media-leaving'), 3);
      await there.leave(room, 'media-leaving');
      assert.ok(await there.take('seat', room, holder('lpt-9', 'media-dying'), 1, 1));
      while (!(await here.take('seat', room, holder('lpt-8', 'media-here'), 1, LONG_MS)));
      assert.deepEqual(await here.renew(room, 'media-here', LONG_MS, { seat: ['lpt-8'], voice: [] }), [
        'media-here',
      ]);
    },
  );

  check('is put right by servers that say which places they have', async (here, there, room) => {
    const held = (...seat: string[]) => ({ seat, voice: [] });
    await here.renew(room, 'media-a', LONG_MS, held('lpt-1', 'lpt-2'));
    assert.equal(await there.take('seat', room, holder('lpt-3', 'media-b'), 2, LONG_MS), false);
    assert.equal(await there.take('seat', room, holder('lpt-2', 'media-b'), 2, LONG_MS), true);
    await here.renew(room, 'media-a', LONG_MS, held('lpt-2'));
    assert.equal(
      await here.take('seat', room, holder('lpt-4', 'media-a'), 2, LONG_MS),
      true,
      'lpt-1 has gone',
    );
    await here.renew(room, 'media-a', LONG_MS, held());
    assert.equal(
      await here.take('seat', room, holder('lpt-5', 'media-a'), 1, LONG_MS),
      false,
      'lpt-2 is there',
    );
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
