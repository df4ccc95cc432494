import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { signMediaGrant } from '#platform/media-grant.ts';
import { newId } from '#platform/ids.ts';
import { CLOSE_CODES } from '#schema/signalling.ts';
import { Refused } from './signalling-client.ts';
import {
  grantFor,
  opusStream,
  produce,
  SECRET,
  skipWithoutWorker,
  startMedia,
  type MediaKit,
} from './media-kit.ts';

let ssrc = 500;

describe('The limits of a room that its grants carry', { skip: skipWithoutWorker }, () => {
  let kit: MediaKit;
  before(async () => (kit = await startMedia({ maxPeersPerRoom: 4 })));
  after(() => kit.close());

  const scene = (limits: { capacity?: number; maxSpeakers?: number }) => {
    const claims = { liveRoomId: newId('LiveRoom'), ...limits };
    return {
      enter: (more: Parameters<MediaKit['enter']>[0] = {}) => kit.enter({ ...claims, ...more }),
      turnedAway: async (more: Parameters<MediaKit['enter']>[0] = {}) => {
        const client = kit.connect();
        const token = signMediaGrant(grantFor({ ...claims, ...more }), SECRET);
        await assert.rejects(client.request('authenticate', { token }));
        return (await client.closed).code;
      },
    };
  };
  const refusedToSend = (client: Parameters<typeof produce>[0]) =>
    assert.rejects(produce(client, ssrc++), { code: 'SPEAKER_LIMIT' });

  test('let in as many as fit, also when all come at once, and whoever is in already', async () => {
    const { enter, turnedAway } = scene({ capacity: 2 });
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => enter()));
    const inside = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    assert.equal(inside.length, 2);
    assert.equal(await turnedAway(), CLOSE_CODES.ROOM_FULL);
    const [first, second] = inside;
    assert.ok(first && second);
    await enter({ participantId: first.participantId });
    await second.client.request('leave', {});
    await enter();
    assert.equal(await turnedAway(), CLOSE_CODES.ROOM_FULL);
  });

  test('cannot be more than what the server takes', async () => {
    const { enter, turnedAway } = scene({ capacity: 200 });
    for (let count = 0; count < 4; count++) await enter();
    assert.equal(await turnedAway(), CLOSE_CODES.ROOM_FULL);
  });

  test('let as many people send as may, each with several streams, and the host always', async () => {
    const { enter } = scene({ maxSpeakers: 2 });
    const [anna, ben, cleo] = [await enter(), await enter(), await enter({ role: 'MODERATOR' })];
    const host = await enter({ role: 'HOST' });
    await produce(anna.client, ssrc++);
    await produce(anna.client, ssrc++);
    const fromBen = await produce(ben.client, ssrc++);
    await refusedToSend(cleo.client);
    await produce(host.client, ssrc++);
    await ben.client.request('closeProducer', { producerId: fromBen });
    await refusedToSend(ben.client);
    await anna.client.request('leave', {});
    await produce(cleo.client, ssrc++);
    await refusedToSend(ben.client);
  });

  test('keep a speaker from telling everybody of their microphone all the time, and never from being silent', async () => {
    const { enter } = scene({});
    const [anna, ben] = [await enter(), await enter()];
    const { transportId } = await anna.client.request('createTransport', { direction: 'send' });
    const send = () => anna.client.request('produce', { transportId, rtpParameters: opusStream(ssrc++) });
    const { producerId } = await send();
    const answers: unknown[] = [];
    for (let turn = 0; turn < 60; turn++) {
      await anna.client.request('pauseProducer', { producerId });
      await anna.client
        .request('resumeProducer', { producerId })
        .catch((error: unknown) => answers.push(error));
    }
    assert.ok(answers.length > 0);
    for (const refusal of answers) assert.ok(refusal instanceof Refused && refusal.code === 'RATE_LIMITED');
    await assert.rejects(send(), { code: 'RATE_LIMITED' });
    await anna.client.request('closeProducer', { producerId });
    await ben.client.notified('producerClosed');
    const told = ben.client.notifications.all.filter(({ event }) => event === 'producerResumed');
    assert.equal(told.length, 60 - answers.length);
  });

  test('hold for those who begin in the same moment', async () => {
    const { enter } = scene({ maxSpeakers: 1 });
    const people = [await enter(), await enter(), await enter()];
    const transports = await Promise.all(
      people.map(({ client }) => client.request('createTransport', { direction: 'send' })),
    );
    const outcomes = await Promise.allSettled(
      people.map(({ client }, index) => {
        const transportId = transports[index]?.transportId ?? '';
        return client.request('produce', { transportId, rtpParameters: opusStream(ssrc++) });
      }),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    const sent = kit.media
      .status()
      .rooms.flatMap(({ participants }) => participants.flatMap((one) => one.producers));
    assert.ok(sent.length > 0);
  });
});
