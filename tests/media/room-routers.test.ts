import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { until } from '../subgraphs/result-streams.ts';
import { interceptTransports } from './direct-audio.ts';
import { produce, skipWithoutWorker, startMedia, type MediaKit } from './media-kit.ts';
import type { SignallingClient } from './signalling-client.ts';

const audio = interceptTransports();
let ssrc = 1_000;

/** Speaks without a pause in what it sends; the stream's id. */
const speak = (client: SignallingClient) => produce(client, ssrc++);

async function hear(client: SignallingClient, producerId: string): Promise<string> {
  const { consumerId } = await client.request('consume', { producerId });
  await client.request('resumeConsumer', { consumerId });
  return consumerId;
}

describe('A room that is spread over workers', { skip: skipWithoutWorker }, () => {
  let kit: MediaKit;
  const roomOf = () => kit.media.status().rooms[0];
  const enter = async () => {
    const peer = await kit.enter();
    await peer.client.request('createTransport', { direction: 'recv' });
    return peer;
  };

  beforeEach(async () => {
    kit = await startMedia({ workerCount: 2, limits: { maxConsumersPerRouter: 1, emptyRoomGraceMs: 1 } });
  });
  afterEach(() => kit.close());
  after(() => {
    assert.equal(audio.routers.size, 0);
    assert.equal(audio.transports.size, 0);
  });

  test('people are placed on the router that is least busy, and hear each other from worker to worker', async () => {
    const peers = [await enter(), await enter(), await enter()];
    assert.deepEqual(
      roomOf()?.routers.map((one) => one.peers),
      [2, 1],
    );
    const [first, second, third] = peers;
    assert.ok(first && second && third);
    const fromHome = await speak(first.client);
    const fromFurther = await speak(second.client);
    const ears = await Promise.all([hear(second.client, fromHome), hear(third.client, fromHome)]);
    await audio.say(fromHome, 'from home', ears);
    await audio.say(fromFurther, 'from the other worker', [
      await hear(first.client, fromFurther),
      await hear(third.client, fromFurther),
    ]);
    // Both listeners of the one stream share a pipe; the other is piped once for all who hear it at home.
    assert.equal(roomOf()?.pipes, 2);
  });

  test('a stream is piped only to where somebody hears it, for as long as it is heard', async () => {
    const [first, second] = [await enter(), await enter()];
    const fromHome = await speak(first.client);
    assert.equal(roomOf()?.pipes, 0);
    const consumerId = await hear(second.client, fromHome);
    await audio.say(fromHome, 'once', [consumerId]);
    assert.equal(roomOf()?.pipes, 1);
    // A transport in its place: what went over it is gone.
    await second.client.request('createTransport', { direction: 'recv' });
    assert.equal(roomOf()?.pipes, 0);
    await audio.say(fromHome, 'again', [await hear(second.client, fromHome)]);
    await first.client.request('closeProducer', { producerId: fromHome });
    await second.client.notified('producerClosed', (one) => one.producerId === fromHome);
    await assert.rejects(hear(second.client, fromHome), { code: 'NOT_FOUND' });
    // Its end of the pipe is told by the worker, in its own time.
    await until(async () => roomOf()?.pipes === 0);
  });

  test('only those on a worker that is killed join again, and the others hear them anew', async () => {
    const [first, second] = [await enter(), await enter()];
    const fromHome = await speak(first.client);
    await audio.say(fromHome, 'before', [await hear(second.client, fromHome)]);
    const dead = roomOf()?.routers[1]?.pid;
    assert.ok(dead);
    process.kill(dead, 'SIGKILL');
    const { routerRtpCapabilities: rtpCapabilities } = await second.client.notified('rejoin');
    await first.client.notified('peerLeft', (one) => one.participantId === second.participantId);
    await second.client.request('join', { rtpCapabilities });
    await second.client.request('createTransport', { direction: 'recv' });
    await audio.say(fromHome, 'after', [await hear(second.client, fromHome)]);
    assert.ok(!first.client.notifications.all.some(({ event }) => event === 'rejoin'));
    assert.equal(kit.events.all.length, 2);
  });

  test('a room whose home is killed lives on where its other people are', async () => {
    const [first, second, third, fourth] = [await enter(), await enter(), await enter(), await enter()];
    const fromHome = await speak(first.client);
    const fromFurther = await speak(second.client);
    await audio.say(fromHome, 'before', [await hear(fourth.client, fromHome)]);
    await audio.say(fromFurther, 'before', [await hear(fourth.client, fromFurther)]);
    const [home, further] = roomOf()?.routers ?? [];
    assert.ok(home && further);
    process.kill(home.pid, 'SIGKILL');
    for (const { client } of [first, third]) await client.notified('rejoin');
    assert.equal(roomOf()?.routers[0]?.pid, further.pid);
    await fourth.client.notified('peerLeft', (one) => one.participantId === first.participantId);
    await third.client.request('join', { rtpCapabilities: third.welcome.routerRtpCapabilities });
    await third.client.request('createTransport', { direction: 'recv' });
    await audio.say(fromFurther, 'after', [await hear(third.client, fromFurther)]);
    assert.ok(!fourth.client.notifications.all.some(({ event }) => event === 'rejoin'));
  });

  test('a further router is closed with its last peer, and the room with its last of all', async () => {
    const [first, second] = [await enter(), await enter()];
    const producerId = await speak(second.client);
    await hear(first.client, producerId);
    await second.client.request('leave', {});
    await first.client.notified('peerLeft', (one) => one.participantId === second.participantId);
    assert.deepEqual(roomOf()?.routers.length, 1);
    assert.equal(roomOf()?.pipes, 0);
  });
});
