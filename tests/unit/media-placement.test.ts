import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import type { MediaHeartbeat } from '#schema/media-bus.ts';
import { rankBroadcasters, rankServers } from '../../subgraphs/stream/domain/placement.ts';
import { createMediaFleet } from '../../subgraphs/stream/service/media-fleet.ts';

const server = (
  serverId: string,
  load: number,
  liveRoomIds: string[] = [],
  watchedRoomIds: string[] = [],
) => ({ serverId, load, liveRoomIds, watchedRoomIds });
const ranked = (...servers: ReturnType<typeof server>[]) =>
  rankServers(servers, 'liv_a').map(({ serverId }) => serverId);

describe('the choice among media servers', () => {
  it('keeps a room together while its server can carry more', () => {
    assert.deepEqual(ranked(server('idle', 0), server('host', 0.9, ['liv_a'])), ['host', 'idle']);
    assert.deepEqual(ranked(server('host', 1, ['liv_a']), server('idle', 0)), ['idle', 'host']);
    assert.deepEqual(ranked(server('busy', 0.5, ['liv_b']), server('idle', 0.1)), ['idle', 'busy']);
  });

  it('is the same in whatever order servers of the same load were heard, and spreads rooms over them', () => {
    const [a, b] = [server('a', 0), server('b', 0)];
    const rooms = Array.from({ length: 50 }, (_, index) => `liv_${index}`);
    const firsts = rooms.map((room) => rankServers([a, b], room)[0]?.serverId);
    assert.deepEqual(
      firsts,
      rooms.map((room) => rankServers([b, a], room)[0]?.serverId),
    );
    assert.deepEqual([...new Set(firsts)].toSorted(), ['a', 'b']);
  });
});

describe('the choice of a broadcaster', () => {
  it('is the server that has all voices, however busy it is, and where none has, as for those who enter', () => {
    const first = (...servers: ReturnType<typeof server>[]) =>
      rankBroadcasters(servers, 'liv_a')[0]?.serverId;
    const host = server('host', 0.2, ['liv_a']);
    assert.equal(first(host, server('watching', 1.5, ['liv_a'], ['liv_a'])), 'watching');
    assert.equal(first(server('watching', 0.9, ['liv_a'], ['liv_a']), host), 'watching');
    assert.equal(first(server('elsewhere', 0, ['liv_b'], ['liv_b']), host), 'host');
  });
});

describe('the fleet of media servers', () => {
  const location = {
    available: true,
    url: 'ws://single/media',
    webUrl: 'http://single',
    canMix: false,
  } as const;
  const single = { locate: async () => location };
  const dead: MediaHeartbeat = {
    serverId: 'media-dead',
    available: true,
    // Nothing listens on the discard port.
    address: { internalUrl: 'http://127.0.0.1:9', publicUrl: 'ws://dead/media' },
    load: 0,
    rooms: [],
  };

  it('leaves it to the one server while none has told its address', async () => {
    const fleet = createMediaFleet(single);
    fleet.hear({ ...dead, address: null });
    assert.deepEqual(await fleet.locate('liv_a'), location);
  });

  it('sends those who listen to the server that has all voices, and those who enter to the less busy one', async (context) => {
    const fleet = createMediaFleet(single);
    const start = async (serverId: string, load: number, watching: boolean) => {
      const server = createServer((_request, response) => response.end('{"canMix":true}'));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      context.after(() => server.close().closeAllConnections());
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const publicUrl = `ws://${serverId}.example/media`;
      const room = { participantIds: [], recordingIds: [], connections: [] };
      fleet.hear({
        ...{
          serverId,
          load,
          available: true,
          address: { internalUrl: `http://127.0.0.1:${port}`, publicUrl },
        },
        rooms: [{ ...room, liveRoomId: 'liv_a', watching }],
      });
    };
    await start('voices', 0.8, true);
    await start('ears', 0.1, false);
    const placeOf = async (...args: Parameters<typeof fleet.locate>) => {
      const found = await fleet.locate(...args);
      return found.available && found.webUrl;
    };
    assert.equal(await placeOf('liv_a', 'listen'), 'http://voices.example/');
    assert.equal(await placeOf('liv_a'), 'http://ears.example/');
  });

  it('sends nobody to a server that does not answer, and forgets one that fell silent or takes nobody in', async () => {
    let nowMs = 0;
    const fleet = createMediaFleet(single, () => nowMs);
    fleet.hear(dead);
    assert.equal((await fleet.locate('liv_a')).available, false);
    nowMs = 60_000;
    assert.equal((await fleet.locate('liv_a')).available, true);
    fleet.hear(dead);
    fleet.hear({ ...dead, available: false });
    assert.equal((await fleet.locate('liv_a')).available, true);
  });
});
