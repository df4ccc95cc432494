import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MEDIA_GRANT_TTL_MS } from '#platform/media-grant.ts';
import { newId } from '#platform/ids.ts';
import { produce, skipWithoutWorker, startMedia, type MediaKit } from './media-kit.ts';
import { startMesh, type MeshKit } from './mesh-kit.ts';
import type { SignallingClient } from './signalling-client.ts';

const ROSTER = /^(peer|role|mute|producer|connection)/;

/** What a socket was told of somebody, from number `from` on, in short. */
const toldOf = ({ notifications }: SignallingClient, participantId: string, from = 0): string[] =>
  notifications.all
    .slice(from)
    .filter(({ event, data }) => ROSTER.test(event) && JSON.stringify(data).includes(participantId))
    .map(({ event }) => event);

describe('A participant whose connection breaks', { skip: skipWithoutWorker }, () => {
  let kit: MediaKit;
  before(async () => (kit = await startMedia({ maxPeersPerRoom: 100 })));
  after(() => kit.close());

  const setTheScene = async (at: MediaKit = kit) => {
    const liveRoomId = newId('LiveRoom');
    const witness = await at.enter({ liveRoomId });
    const guest = await at.enter({ liveRoomId });
    const { participantId } = guest;
    const producerId = await produce(guest.client);
    await witness.client.notified('producerOpened', (one) => one.producerId === producerId);
    const from = witness.client.notifications.all.length;
    return {
      ...{ liveRoomId, witness, guest, participantId, from },
      lose: async () => {
        guest.client.socket.terminate();
        await witness.client.notified('producerClosed', (one) => one.producerId === producerId);
      },
      back: (claims: Parameters<MediaKit['enter']>[0] = {}) =>
        at.enter({ ...claims, liveRoomId, participantId }),
      told: () => toldOf(witness.client, participantId, from),
    };
  };

  test('is in the room, as LOST, and goes on when it is resumed, and nobody is told that they were away', async () => {
    const scene = await setTheScene();
    await scene.lose();
    await scene.witness.client.notified('connectionChanged', ({ quality }) => quality === 'LOST');
    const newcomer = await kit.enter({ liveRoomId: scene.liveRoomId });
    const seen = newcomer.participants.find((one) => one.participantId === scene.participantId);
    assert.deepEqual([seen?.producers, seen?.quality], [[], 'LOST']);
    const { client } = await scene.back();
    const producerId = await produce(client);
    await scene.witness.client.notified('producerOpened', (one) => one.producerId === producerId);
    assert.deepEqual(scene.told(), ['connectionChanged', 'producerClosed', 'producerOpened']);
    await client.request('leave', {});
    await scene.witness.client.notified('peerLeft', (one) => one.participantId === scene.participantId);
  });

  test('comes back with another role or a mute, and others are told of that', async () => {
    const scene = await setTheScene();
    await scene.lose();
    await scene.back({ role: 'LISTENER', muted: true });
    await scene.witness.client.notified('muteChanged', (one) => one.participantId === scene.participantId);
    assert.deepEqual(scene.told(), ['connectionChanged', 'producerClosed', 'roleChanged', 'muteChanged']);
  });

  test('has left where they come anew, and comes then', async () => {
    const scene = await setTheScene();
    await scene.lose();
    await scene.back({ anew: true });
    await scene.witness.client.notified('peerJoined', (one) => one.participantId === scene.participantId);
    assert.deepEqual(scene.told(), ['connectionChanged', 'producerClosed', 'peerLeft', 'peerJoined']);
  });

  test('has left at once where they say so, or are put out, also while they are away', async () => {
    for (const reason of ['CLIENT', 'BANNED'] as const) {
      const { liveRoomId, participantId, witness, lose } = await setTheScene();
      await lose();
      await kit.order({ kind: 'remove', liveRoomId, participantId, reason });
      await witness.client.notified('peerLeft', (one) => one.participantId === participantId);
    }
    const { witness, guest, participantId } = await setTheScene();
    await guest.client.request('leave', {});
    await witness.client.notified('peerLeft', (one) => one.participantId === participantId);
  });

  test('has left when their time is over', async () => {
    const hasty = await startMedia({ limits: { resumeWindowMs: 50 } });
    try {
      const scene = await setTheScene(hasty);
      await scene.lose();
      await scene.witness.client.notified('peerLeft', (one) => one.participantId === scene.participantId);
      await scene.back();
      await scene.witness.client.notified('peerJoined', (one) => one.participantId === scene.participantId);
    } finally {
      await hasty.close();
    }
  });
});

describe('A participant of one of two media servers', { skip: skipWithoutWorker }, () => {
  let kit: MeshKit;
  before(async () => (kit = await startMesh(2, { limits: { occupancyMs: 50 } })));
  after(() => kit.close());

  test('whose connection breaks resumes it with either, and was never away on either', async () => {
    const [one, two] = kit.servers;
    assert.ok(one && two);
    const [here, there] = [await kit.enter(one), await kit.enter(two)];
    const guest = await kit.enter(one);
    const { participantId } = guest;
    await there.client.notified('peerJoined', (come) => come.participantId === participantId);
    const from = [here, there].map(({ client }) => client.notifications.all.length);
    let expiresAtMs = Date.now() + MEDIA_GRANT_TTL_MS;
    let last = guest;
    for (const server of [two, one, one]) {
      last.client.socket.terminate();
      for (const { client } of [here, there])
        await client.notifications.find(
          ({ event, data }) => event === 'connectionChanged' && JSON.stringify(data).includes(participantId),
        );
      last = await kit.enter(server, { participantId, expiresAtMs: expiresAtMs++ });
      const producerId = await produce(last.client, 700 + (expiresAtMs % 100));
      for (const { client } of [here, there])
        await client.notified('producerOpened', (opened) => opened.producerId === producerId);
    }
    for (const [index, { client }] of [here, there].entries()) {
      const told = toldOf(client, participantId, from[index]);
      assert.deepEqual(
        told.filter((event) => event.startsWith('peer')),
        [],
      );
    }
    await last.client.request('leave', {});
    for (const { client } of [here, there])
      await client.notified('peerLeft', (gone) => gone.participantId === participantId);
  });

  test('that is gone is waited for on the other, and then has left', async () => {
    const hasty = await startMesh(2, { limits: { occupancyMs: 50, resumeWindowMs: 300 } });
    try {
      const [one, two] = hasty.servers;
      assert.ok(one && two);
      const [witness, guest, other] = [
        await hasty.enter(one),
        await hasty.enter(two),
        await hasty.enter(two),
      ];
      await witness.client.notified('peerJoined', (come) => come.participantId === other.participantId);
      await two.media.close();
      await witness.client.notified('connectionChanged', ({ quality }) => quality === 'LOST');
      const { participantId } = guest;
      await hasty.enter(one, { participantId, expiresAtMs: guest.grant.expiresAtMs + 1 });
      await witness.client.notified('peerLeft', (gone) => gone.participantId === other.participantId);
      assert.deepEqual(
        toldOf(witness.client, participantId).filter((event) => event.startsWith('peer')),
        ['peerJoined'],
      );
    } finally {
      await hasty.close();
    }
  });
});
