import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MEDIA_HEARTBEAT_TOPIC, mediaHeartbeat } from '#schema/media-bus.ts';
import { signMediaGrant } from '#platform/media-grant.ts';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { CLOSE_CODES, NORMAL_CLOSURE } from '#schema/signalling.ts';
import { produce, SECRET, skipWithoutWorker, startMedia, type MediaKit } from './media-kit.ts';

describe('Orders to a live room', { skip: skipWithoutWorker }, () => {
  let kit: MediaKit;
  before(async () => (kit = await startMedia()));
  after(() => kit.close());

  test('a speaker who is made a listener loses its streams at once, and a former grant gives them not back', async () => {
    const speaker = await kit.enter();
    const witness = await kit.enter();
    const producerId = await produce(speaker.client);
    const { liveRoomId } = kit;
    const { participantId } = speaker;
    await kit.order({ kind: 'setRole', liveRoomId, participantId, role: 'LISTENER' });
    await witness.client.notified('producerClosed', (one) => one.producerId === producerId);
    await witness.client.notified('roleChanged', (one) => one.participantId === participantId);
    await assert.rejects(produce(speaker.client), { code: 'FORBIDDEN' });

    const again = await kit.enter({ participantId, expiresAtMs: speaker.grant.expiresAtMs });
    assert.equal(again.welcome.role, 'LISTENER');
    await assert.rejects(produce(again.client), { code: 'FORBIDDEN' });
  });

  test('a mute pauses what is sent, and only its end lets its owner send again', async () => {
    const speaker = await kit.enter();
    const witness = await kit.enter();
    const producerId = await produce(speaker.client);
    const { liveRoomId } = kit;
    const { participantId } = speaker;
    await kit.order({ kind: 'mute', liveRoomId, participantId, muted: true });
    await witness.client.notified('producerPaused', (one) => one.producerId === producerId);
    await speaker.client.notified('muteChanged', (one) => one.muted);
    await assert.rejects(speaker.client.request('resumeProducer', { producerId }), { code: 'MUTED' });
    await kit.order({ kind: 'mute', liveRoomId, participantId, muted: false });
    await speaker.client.notified('muteChanged', (one) => !one.muted);
    await speaker.client.request('resumeProducer', { producerId });
    await witness.client.notified('producerResumed', (one) => one.producerId === producerId);
  });

  test('a grant that says muted lets a microphone be set up but not be heard', async () => {
    const { client } = await kit.enter({ muted: true });
    const witness = await kit.enter();
    const producerId = await produce(client);
    const opened = await witness.client.notified('producerOpened', (one) => one.producerId === producerId);
    assert.equal(opened.paused, true);
  });

  test('who is removed is disconnected, and the grant of a moment ago is worth nothing', async () => {
    const { client, grant, participantId } = await kit.enter();
    await kit.order({ kind: 'remove', liveRoomId: kit.liveRoomId, participantId, reason: 'BANNED' });
    assert.equal((await client.closed).code, CLOSE_CODES.REMOVED);
    const event = await kit.events.find(
      ({ name, payload }) => name.endsWith('Disconnected') && JSON.stringify(payload).includes(participantId),
    );
    assert.match(JSON.stringify(event.payload), /BANNED/);
    const again = kit.connect();
    await assert.rejects(again.request('authenticate', { token: signMediaGrant(grant, SECRET) }));
    assert.equal((await again.closed).code, CLOSE_CODES.REMOVED);
  });

  test('the end of a room reaches everybody in it and nobody else', async () => {
    const liveRoomId = 'liv_ended';
    const inside = [await kit.enter({ liveRoomId }), await kit.enter({ liveRoomId })];
    const outside = await kit.enter();
    await kit.order({ kind: 'endRoom', liveRoomId });
    for (const { client } of inside) {
      await client.notified('roomClosed');
      assert.equal((await client.closed).code, CLOSE_CODES.ROOM_ENDED);
    }
    assert.ok(kit.media.status().rooms.every((room) => room.liveRoomId !== liveRoomId));
    await outside.client.request('ping', {});
  });

  test('a malformed order is passed over, and the next one obeyed', async () => {
    const { client, participantId } = await kit.enter();
    await kit.liveBus.publish('media:control', { kind: 'explode' });
    await kit.order({ kind: 'remove', liveRoomId: kit.liveRoomId, participantId, reason: 'CLIENT' });
    assert.equal((await client.closed).code, NORMAL_CLOSURE);
  });
});

describe('A media server in trouble', { skip: skipWithoutWorker }, () => {
  test('a worker that is killed is replaced, and its room goes on after everybody joined again', async () => {
    const kit = await startMedia();
    try {
      const { client } = await kit.enter();
      const other = await kit.enter();
      await produce(client);
      const [worker] = kit.media.status().workers;
      assert.ok(worker);
      process.kill(worker.pid, 'SIGKILL');
      const { routerRtpCapabilities } = await client.notified('rejoin');
      await other.client.notified('rejoin');
      assert.notEqual(kit.media.status().workers[0]?.pid, worker.pid);
      assert.deepEqual(kit.media.availability(), { available: true });

      await client.request('join', { rtpCapabilities: routerRtpCapabilities });
      await other.client.request('join', { rtpCapabilities: routerRtpCapabilities });
      const producerId = await produce(client);
      await other.client.request('createTransport', { direction: 'recv' });
      await other.client.request('consume', { producerId });
      // To other services nobody has left.
      assert.equal(kit.events.all.length, 2);
    } finally {
      await kit.close();
    }
  });

  test('many who come at once meet in one room on one worker', async () => {
    const kit = await startMedia({ workerCount: 2 });
    try {
      const peers = await Promise.all(Array.from({ length: 8 }, () => kit.enter()));
      assert.equal(kit.media.status().rooms.length, 1);
      assert.deepEqual(
        kit.media
          .status()
          .workers.map(({ rooms }) => rooms)
          .toSorted(),
        [0, 1],
      );
      assert.equal(kit.media.status().rooms[0]?.participants.length, peers.length);
      await kit.enter({ liveRoomId: 'liv_second' });
      assert.deepEqual(
        kit.media.status().workers.map(({ rooms }) => rooms),
        [1, 1],
      );
    } finally {
      await kit.close();
    }
  });

  test('closing tells every socket, closes every worker, and can be repeated', async () => {
    const kit = await startMedia({ workerCount: 2 });
    const { client } = await kit.enter();
    await produce(client);
    const waiting = kit.connect();
    await waiting.opened;
    const pids = kit.media.status().workers.map(({ pid }) => pid);
    await Promise.all([kit.media.close(), kit.media.close()]);
    assert.equal((await client.closed).code, CLOSE_CODES.SERVER_SHUTDOWN);
    assert.equal((await waiting.closed).code, CLOSE_CODES.SERVER_SHUTDOWN);
    assert.deepEqual(kit.media.status().workers, []);
    assert.equal(pids.length, 2);
    assert.match(JSON.stringify(kit.events.all.at(-1)?.payload), /SERVER_SHUTDOWN/);
    await kit.close();
  });

  test('a socket that shows no grant in time is closed', async () => {
    const kit = await startMedia({ limits: { authenticationDeadlineMs: 1 } });
    try {
      assert.equal((await kit.connect().closed).code, CLOSE_CODES.AUTHENTICATION_TIMEOUT);
    } finally {
      await kit.close();
    }
  });

  test('the heartbeat says who is here, and a room that stays empty is closed', async () => {
    const kit = await startMedia({ limits: { emptyRoomGraceMs: 1, occupancyMs: 5 } });
    try {
      const { client, participantId } = await kit.enter();
      const heartbeats = await kit.liveBus.subscribe(MEDIA_HEARTBEAT_TOPIC);
      const full = {
        liveRoomId: kit.liveRoomId,
        participantIds: [participantId],
        recordingIds: [],
        watching: true,
        connections: [],
      };
      const { value } = await heartbeats.next();
      assert.deepEqual(mediaHeartbeat.parse(value).rooms, [full]);
      client.socket.close();
      for await (const message of heartbeats) if (mediaHeartbeat.parse(message).rooms.length === 0) break;
      assert.deepEqual(
        kit.media.status().workers.map(({ rooms }) => rooms),
        [0],
      );
    } finally {
      await kit.close();
    }
  });

  test('a socket that answers no ping is given up, and its participant leaves', async () => {
    const kit = await startMedia({ limits: { heartbeatMs: 20 } });
    try {
      const { client, participantId } = await kit.enter();
      // A process that hangs: the connection stands, but nothing reads it.
      client.socket.pause();
      const event = await kit.events.find(({ name }) => name.endsWith('Disconnected'));
      assert.deepEqual(event.payload, {
        liveRoomId: kit.liveRoomId,
        participantId,
        serverId: kit.media.status().serverId,
        reason: 'CONNECTION_LOST',
      });
    } finally {
      await kit.close();
    }
  });

  test('what the durable bus does not take at first comes later, in order and once', async () => {
    const bus = memoryDurableBus();
    let refusals = 3;
    const durableBus = {
      ...bus,
      publish: async (event: Parameters<typeof bus.publish>[0]) => {
        if (refusals-- > 0) throw new Error('away');
        await bus.publish(event);
      },
    };
    const kit = await startMedia({ durableBus });
    try {
      const first = await kit.enter();
      const second = await kit.enter();
      await kit.events.find(({ seq }) => seq === 2);
      const participants = kit.events.all.map(
        ({ payload }) => JSON.parse(JSON.stringify(payload)).participantId,
      );
      assert.deepEqual(participants, [first.participantId, second.participantId]);
    } finally {
      await kit.close();
    }
  });
});

describe('A media server without a worker', () => {
  test('starts, says why it is not available, and closes sockets with a code of its own', async () => {
    const kit = await startMedia({ workerBin: { missing: 'no worker was built' } });
    try {
      assert.deepEqual(kit.media.availability(), { available: false, reason: 'no worker was built' });
      const client = kit.connect();
      assert.deepEqual(await client.closed, {
        code: CLOSE_CODES.MEDIA_UNAVAILABLE,
        reason: 'MEDIA_UNAVAILABLE',
      });
    } finally {
      await kit.close();
    }
  });

  test('is not available either where the binary cannot be started', async () => {
    const kit = await startMedia({ workerBin: { path: '/bin/false' } });
    try {
      const availability = kit.media.availability();
      assert.ok(!availability.available);
      assert.match(availability.reason, /does not start/);
      const client = kit.connect();
      assert.equal((await client.closed).code, CLOSE_CODES.MEDIA_UNAVAILABLE);
    } finally {
      await kit.close();
    }
  });
});
