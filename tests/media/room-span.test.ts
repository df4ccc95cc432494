import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { INTERNAL_HEADER, signInternal } from '#platform/internal-auth.ts';
import { MEDIA_HEARTBEAT_TOPIC, mediaHeartbeat } from '#schema/media-bus.ts';
import { LINKS_PATH, roomTopic } from '#schema/media-mesh.ts';
import { CLOSE_CODES } from '#schema/signalling.ts';
import { interceptTransports } from './direct-audio.ts';
import { produce, SECRET, skipWithoutWorker } from './media-kit.ts';
import {
  hear,
  joinAgain,
  roomOn,
  startMesh,
  type MeshKit,
  type MeshPeer,
  type MeshServer,
} from './mesh-kit.ts';

const audio = interceptTransports();
let ssrc = 2_000;
const speak = ({ client }: MeshPeer) => produce(client, ssrc++);

describe('A room that spans media servers', { skip: skipWithoutWorker }, () => {
  let kit: MeshKit;
  let one: MeshServer;
  let two: MeshServer;

  beforeEach(async () => {
    kit = await startMesh(2, { limits: { emptyRoomGraceMs: 1, occupancyMs: 50, resumeWindowMs: 100 } });
    const [first, second] = kit.servers;
    assert.ok(first && second);
    [one, two] = [first, second];
  });
  afterEach(() => kit.close());
  after(() => {
    assert.equal(audio.routers.size, 0);
    assert.equal(audio.transports.size, 0);
  });

  test('everybody sees and hears everybody, whatever server they are connected to', async () => {
    const anna = await kit.enter(one);
    const ben = await kit.enter(two);
    await anna.client.notified('peerJoined', ({ participantId }) => participantId === ben.participantId);
    assert.deepEqual([...ben.roster.keys()], [anna.participantId]);
    const fromAnna = await speak(anna);
    await ben.client.notified('producerOpened', ({ producerId }) => producerId === fromAnna);
    const ear = await hear(ben, fromAnna);
    await audio.say(fromAnna, 'hello Ben', [ear]);
    const fromBen = await speak(ben);
    await anna.client.notified('producerOpened', ({ producerId }) => producerId === fromBen);
    await audio.say(fromBen, 'hello Anna', [await hear(anna, fromBen)]);
    await ben.client.request('leave', {});
    await anna.client.notified('producerClosed', ({ producerId }) => producerId === fromBen);
    await anna.client.notified('peerLeft', ({ participantId }) => participantId === ben.participantId);
  });

  test('a stream crosses only while it is heard or measured, and ends everywhere with its sender', async () => {
    const [anna, ben, cleo] = [await kit.enter(one), await kit.enter(two), await kit.enter(two)];
    const fromAnna = await speak(anna);
    await cleo.client.notified('producerOpened', ({ producerId }) => producerId === fromAnna);
    assert.deepEqual(roomOn(two, kit.liveRoomId)?.links, { imported: 0, exported: 0 });
    const ears = [await hear(ben, fromAnna), await hear(cleo, fromAnna)];
    await audio.say(fromAnna, 'to both', ears);
    assert.deepEqual(roomOn(two, kit.liveRoomId)?.links, { imported: 1, exported: 0 });
    assert.deepEqual(roomOn(one, kit.liveRoomId)?.links, { imported: 0, exported: 1 });
    await anna.client.request('closeProducer', { producerId: fromAnna });
    await ben.client.notified('consumerClosed', ({ consumerId }) => consumerId === ears[0]);
    await assert.rejects(hear(ben, fromAnna), { code: 'NOT_FOUND' });
    assert.deepEqual(roomOn(two, kit.liveRoomId)?.links, { imported: 0, exported: 0 });
  });

  test('who is muted is silent on every server, and who is removed is gone from every server', async () => {
    const [anna, ben] = [await kit.enter(one), await kit.enter(two)];
    const fromAnna = await speak(anna);
    await ben.client.notified('producerOpened');
    const ear = await hear(ben, fromAnna);
    await audio.say(fromAnna, 'before', [ear]);
    const { liveRoomId } = kit;
    const { participantId } = anna;
    await kit.order({ kind: 'mute', liveRoomId, participantId, muted: true });
    await ben.client.notified('muteChanged', (change) => change.participantId === participantId);
    await ben.client.notified('producerPaused', ({ producerId }) => producerId === fromAnna);
    audio.send(fromAnna, 'muted');
    await kit.order({ kind: 'mute', liveRoomId, participantId, muted: false });
    await anna.client.notified('muteChanged', ({ muted }) => !muted);
    await anna.client.request('resumeProducer', { producerId: fromAnna });
    await audio.say(fromAnna, 'after', [ear]);
    assert.ok(!audio.heard.all.some(({ payload }) => payload === 'muted'));
    await kit.order({ kind: 'remove', liveRoomId, participantId, reason: 'REMOVED' });
    assert.equal((await anna.client.closed).code, CLOSE_CODES.REMOVED);
    await ben.client.notified('peerLeft', (gone) => gone.participantId === participantId);
  });

  test('a worker that is killed on one server is noticed on the other only by who rejoins, and by what is heard anew', async () => {
    const [anna, ben] = [await kit.enter(one), await kit.enter(two)];
    const fromAnna = await speak(anna);
    await ben.client.notified('producerOpened');
    await audio.say(fromAnna, 'before', [await hear(ben, fromAnna)]);
    const [dead] = roomOn(two, kit.liveRoomId)?.routers ?? [];
    assert.ok(dead);
    process.kill(dead.pid, 'SIGKILL');
    await ben.client.notified('rejoin');
    await anna.client.notified('peerLeft', ({ participantId }) => participantId === ben.participantId);
    await joinAgain(ben);
    assert.deepEqual([...ben.roster.keys()], [anna.participantId]);
    await audio.say(fromAnna, 'after', [await hear(ben, fromAnna)]);

    const [home] = roomOn(one, kit.liveRoomId)?.routers ?? [];
    assert.ok(home);
    process.kill(home.pid, 'SIGKILL');
    await anna.client.notified('rejoin');
    await ben.client.notified('producerClosed', ({ producerId }) => producerId === fromAnna);
    await joinAgain(anna);
    const again = await speak(anna);
    await ben.client.notified('producerOpened', ({ producerId }) => producerId === again);
    await audio.say(again, 'from a new worker', [await hear(ben, again)]);
  });

  test('who connects to another server leaves the first one, and was never away', async () => {
    const [anna, ben] = [await kit.enter(one), await kit.enter(one)];
    const { participantId } = ben;
    const expiresAtMs = ben.grant.expiresAtMs + 1;
    const moved = await kit.enter(two, { participantId, expiresAtMs });
    assert.equal((await ben.client.closed).code, CLOSE_CODES.DUPLICATE_IDENTITY);
    assert.deepEqual([...moved.roster.keys()], [anna.participantId]);
    const fromBen = await speak(moved);
    await anna.client.notified('producerOpened', ({ producerId }) => producerId === fromBen);
    await audio.say(fromBen, 'from elsewhere', [await hear(anna, fromBen)]);
    const told = anna.client.notifications.all.filter(({ event }) => event.startsWith('peer'));
    assert.deepEqual(
      told.map(({ event }) => event),
      ['peerJoined'],
    );
  });

  test('a server that falls silent is forgotten with its people', async () => {
    const ben = await kit.enter(two);
    const anna = await kit.enter(one);
    const { liveRoomId } = kit;
    const expired = ben.client.notified('peerLeft', (gone) => gone.participantId === 'ghost');
    const info = { participantId: 'ghost', userId: 'u', role: 'SPEAKER', muted: false, producers: [] };
    const seat = { info, grantExpiresAtMs: 0 };
    const share = {
      kind: 'share',
      serverId: 'media-dead',
      url: 'http://127.0.0.1:9',
      entry: null,
      base: null,
    };
    await kit.liveBus.publish(roomTopic(liveRoomId), { ...share, version: 1, seats: [seat], gone: [] });
    await ben.client.notified('peerJoined', (come) => come.participantId === 'ghost');
    await expired;
    await anna.client.notified('peerLeft', (gone) => gone.participantId === 'ghost');
  });

  test('a server that drains takes nobody in, tells everybody to move, and is done when they have', async () => {
    const [anna, ben, cleo] = [await kit.enter(one), await kit.enter(one), await kit.enter(two)];
    const fromCleo = await speak(cleo);
    for await (const beat of await kit.liveBus.subscribe(MEDIA_HEARTBEAT_TOPIC))
      if (mediaHeartbeat.parse(beat).serverId === two.media.status().serverId) break;
    const drained = one.media.drain(20);
    for (const { client, participantId, grant } of [anna, ben]) {
      await client.notified('move');
      const moved = await kit.enter(two, { participantId, expiresAtMs: grant.expiresAtMs + 1 });
      assert.equal((await client.closed).code, CLOSE_CODES.DUPLICATE_IDENTITY);
      await audio.say(fromCleo, `for ${participantId}`, [await hear(moved, fromCleo)]);
    }
    await drained;
    await assert.rejects(kit.enter(one));
    assert.equal(one.media.availability().available, false);
  });

  test('a server without others is not drained', async () => {
    const alone = await startMesh(1);
    const { client } = await alone.enter(alone.servers[0] ?? one);
    await alone.servers[0]?.media.drain(60_000);
    await client.request('ping', {});
    await alone.close();
  });

  test('nobody but the platform itself is told how to get streams', async () => {
    const url = `http://127.0.0.1:${one.listener.port}${LINKS_PATH}`;
    assert.equal((await fetch(url, { method: 'POST', body: '{}' })).status, 403);
    const headers = { [INTERNAL_HEADER]: signInternal(SECRET) };
    assert.equal((await fetch(url, { method: 'POST', body: '{}', headers })).status, 400);
  });
});
