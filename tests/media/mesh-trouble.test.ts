import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { roomTopic } from '#schema/media-mesh.ts';
import { freePort } from '../support/servers.ts';
import { interceptTransports } from './direct-audio.ts';
import { produce, skipWithoutWorker } from './media-kit.ts';
import { hear, roomOn, startMesh, type MeshKit, type MeshPeer, type MeshServer } from './mesh-kit.ts';

const audio = interceptTransports();
const GHOST = { userId: 'u', role: 'SPEAKER', muted: false } as const;

describe('A room whose other server', { skip: skipWithoutWorker }, () => {
  let kit: MeshKit;
  let here: MeshServer;
  let ben: MeshPeer;
  beforeEach(async () => {
    kit = await startMesh(1, { limits: { emptyRoomGraceMs: 1 } });
    const [first] = kit.servers;
    assert.ok(first);
    here = first;
  });
  afterEach(() => kit.close());

  test('does not answer keeps nobody waiting for ever, and its streams are heard and measured as soon as it does', async (context) => {
    const way = await startWay();
    context.after(() => way.close());
    const there = await kit.start(way.to);
    // This server hosts the room for longest, and so measures levels.
    ben = await kit.enter(here);
    const anna = await kit.enter(there);
    way.silence();
    const fromAnna = await produce(anna.client, 4_000);
    const told = (from = 0) => ben.client.notifications.find(({ event }) => event === 'producerOpened', from);
    await told();
    await assert.rejects(hear(ben, fromAnna), { code: 'MEDIA_UNAVAILABLE' });
    await assert.rejects(hear(ben, fromAnna), { code: 'MEDIA_UNAVAILABLE' });
    const before = ben.client.notifications.all.length;
    way.open();
    await told(before);
    await audio.say(fromAnna, 'at last', [await hear(ben, fromAnna)]);
    assert.equal(roomOn(there, kit.liveRoomId)?.links.exported, 1);
  });

  test('does not answer is measured as soon as it does, also where nobody listens', async (context) => {
    const way = await startWay();
    context.after(() => way.close());
    const there = await kit.start(way.to);
    ben = await kit.enter(here);
    const anna = await kit.enter(there);
    way.silence();
    await produce(anna.client, 4_001);
    await way.asked();
    way.open();
    while (roomOn(there, kit.liveRoomId)?.links.exported !== 1) await turn();
  });

  /** Two people on a server that has ended without a word; ben sees them. */
  const haunt = async (url: string): Promise<void> => {
    const { liveRoomId, directory, liveBus } = kit;
    ben = await kit.enter(here);
    await directory.renew(liveRoomId, 'media-dead', 60_000);
    const seats = ['ghost', 'other ghost'].map((participantId) => ({
      info: { ...GHOST, participantId, producers: [{ producerId: `of ${participantId}`, paused: false }] },
      grantExpiresAtMs: 0,
    }));
    const share = { kind: 'share', serverId: 'media-dead', url, entry: null, base: null, version: 1 };
    await liveBus.publish(roomTopic(liveRoomId), { ...share, seats, gone: [] });
    await ben.client.notified('producerOpened', ({ participantId }) => participantId === 'other ghost');
  };
  const hostsOf = () => kit.directory.renew(kit.liveRoomId, here.media.status().serverId, 60_000);
  const forgotten = async () => {
    while ((await hostsOf()).includes('media-dead')) await turn();
  };

  test('was killed forgets it as soon as one of its people comes', async () => {
    await haunt(`http://127.0.0.1:${await freePort()}`);
    await kit.enter(here, { participantId: 'ghost' });
    await forgotten();
  });

  test('was killed forgets it as soon as somebody wants to hear its people', async () => {
    await haunt(`http://127.0.0.1:${await freePort()}`);
    await assert.rejects(hear(ben, 'of ghost'));
    await forgotten();
  });

  test('was started anew forgets the one that it was', async () => {
    await haunt(`http://127.0.0.1:${here.listener.port}`);
    await kit.enter(here, { participantId: 'ghost' });
    await forgotten();
  });

  test('is only out of reach keeps it', async (context) => {
    const way = await startWay();
    context.after(() => way.close());
    way.silence();
    await haunt(await way.to(here.listener.port));
    await kit.enter(here, { participantId: 'ghost' });
    await way.asked();
    assert.ok((await hostsOf()).includes('media-dead'));
  });
});

/** A way to a server that can be made to take requests and to answer none of them. */
async function startWay() {
  let target = '';
  let isSilent = false;
  const withheld = new Set<ServerResponse>();
  let onAsked = () => {};
  const server = createServer((request, response) => {
    if (isSilent) {
      withheld.add(response);
      return onAsked();
    }
    const { method, url = '/', headers } = request;
    const forward = async () => {
      const chunks = await request.toArray();
      const body = chunks.length === 0 ? undefined : Buffer.concat(chunks);
      const internal = Object.entries(headers).filter(([name]) => name.startsWith('x-veza'));
      const sent = Object.fromEntries(internal.map(([name, value]) => [name, String(value)]));
      const answer = await fetch(`${target}${url}`, { method, body, headers: sent });
      response.writeHead(answer.status).end(await answer.text());
    };
    forward().catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const own = typeof address === 'object' ? address?.port : 0;
  return {
    to: async (port: number) => {
      target = `http://127.0.0.1:${port}`;
      return `http://127.0.0.1:${own}`;
    },
    silence: () => void (isSilent = true),
    /** Resolves once a request waits for its answer. */
    asked: () =>
      new Promise<void>((resolve) => {
        onAsked = resolve;
        if (withheld.size > 0) resolve();
      }),
    open() {
      isSilent = false;
      for (const response of withheld) response.destroy();
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
