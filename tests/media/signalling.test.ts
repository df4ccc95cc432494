import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  CLOSE_CODES,
  isWorthReconnecting,
  MAX_FRAME_BYTES,
  NORMAL_CLOSURE,
  PROTOCOL_VERSION,
  SUBPROTOCOL,
} from '#schema/signalling.ts';
import { signViewer } from '#platform/viewer.ts';
import { signMediaGrant } from '#platform/media-grant.ts';
import { recordingLog } from '../support/recording-log.ts';
import {
  grantFor,
  opusStream,
  produce,
  SECRET,
  skipWithoutWorker,
  startMedia,
  type MediaKit,
} from './media-kit.ts';

describe('Signalling with a real media worker', { skip: skipWithoutWorker }, () => {
  let kit: MediaKit;
  before(async () => (kit = await startMedia()));
  after(() => kit.close());

  const closedWith = async (reason: keyof typeof CLOSE_CODES, token: string) => {
    const client = kit.connect();
    await assert.rejects(client.request('authenticate', { token }));
    assert.deepEqual(await client.closed, { code: CLOSE_CODES[reason], reason });
  };

  test('a participant with a grant joins, sends, and is heard of by the others', async () => {
    const speaker = await kit.enter();
    const listener = await kit.enter({ role: 'LISTENER' });
    assert.deepEqual(
      listener.participants.map((one) => one.participantId),
      [speaker.participantId],
    );
    await speaker.client.notified('peerJoined', (one) => one.participantId === listener.participantId);

    const producerId = await produce(speaker.client);
    assert.deepEqual(await listener.client.notified('producerOpened'), {
      participantId: speaker.participantId,
      producerId,
      paused: false,
    });

    const transport = await listener.client.request('createTransport', { direction: 'recv' });
    assert.ok(transport.iceCandidates.some((one) => one.protocol === 'udp'));
    assert.ok(transport.iceCandidates.some((one) => one.protocol === 'tcp'));
    const consumer = await listener.client.request('consume', { producerId });
    assert.equal(consumer.participantId, speaker.participantId);
    assert.deepEqual(await listener.client.request('consume', { producerId }), consumer);
    await listener.client.request('resumeConsumer', { consumerId: consumer.consumerId });
    const { iceParameters } = await listener.client.request('restartIce', {
      transportId: transport.transportId,
    });
    assert.notEqual(iceParameters.usernameFragment, transport.iceParameters.usernameFragment);

    await speaker.client.request('pauseProducer', { producerId });
    await listener.client.notified('producerPaused', (one) => one.producerId === producerId);
    await speaker.client.request('resumeProducer', { producerId });
    await listener.client.notified('producerResumed', (one) => one.producerId === producerId);
    await speaker.client.request('closeProducer', { producerId });
    await listener.client.notified('producerClosed', (one) => one.producerId === producerId);
    await listener.client.notified('consumerClosed', (one) => one.consumerId === consumer.consumerId);
    await assert.rejects(listener.client.request('consume', { producerId }), { code: 'NOT_FOUND' });

    await speaker.client.request('leave', {});
    assert.equal((await speaker.client.closed).code, NORMAL_CLOSURE);
    await listener.client.notified('peerLeft', (one) => one.participantId === speaker.participantId);
  });

  test('who came and who went is told to the durable bus, numbered without a gap', async () => {
    const { participantId, client } = await kit.enter();
    await client.request('leave', {});
    await kit.events.find(
      ({ name, payload }) =>
        name === 'media.participantDisconnected' &&
        JSON.stringify(payload).includes(participantId) &&
        JSON.stringify(payload).includes('"reason":"CLIENT"'),
    );
    const mine = kit.events.all.filter(({ payload }) => JSON.stringify(payload).includes(participantId));
    assert.deepEqual(
      mine.map(({ name }) => name),
      ['media.participantConnected', 'media.participantDisconnected'],
    );
    assert.deepEqual(
      kit.events.all.map(({ seq }) => seq),
      kit.events.all.map((_, index) => index + 1),
    );
  });

  test('a listener cannot send, and who tries is named in the log, but not each time', async () => {
    const recorded = recordingLog();
    const own = await startMedia({ log: recorded.log });
    try {
      const { client, participantId } = await own.enter({ role: 'LISTENER' });
      for (let attempt = 0; attempt < 20; attempt++)
        await assert.rejects(produce(client), { code: 'FORBIDDEN' });
      const entries = recorded
        .text()
        .split('\n')
        .filter((line) => line.includes('its role does not allow'));
      assert.equal(entries.length, 3);
      assert.match(entries[0] ?? '', /"level":"warn"/);
      for (const named of [participantId, own.liveRoomId, '"method":"produce"'])
        assert.ok(entries[0]?.includes(named), named);
      assert.equal(recorded.count('error'), 0);
    } finally {
      await own.close();
    }
  });

  test('an expired grant, a forged one and one for another purpose are each refused', async () => {
    const grant = grantFor();
    const token = signMediaGrant(grant, SECRET);
    await closedWith('GRANT_EXPIRED', signMediaGrant({ ...grant, expiresAtMs: Date.now() - 1 }, SECRET));
    await closedWith('GRANT_INVALID', signMediaGrant(grant, `${SECRET} of somebody else`));
    await closedWith('GRANT_INVALID', `x${token}`);
    await closedWith('GRANT_INVALID', '');
    await closedWith('GRANT_INVALID', signViewer({ userId: 'u', sessionId: 's', roles: [] }, SECRET));
  });

  test('requests before authentication, of unknown names and with wrong data are refused, and the socket lives on', async () => {
    const stranger = kit.connect();
    await assert.rejects(stranger.request('createTransport', { direction: 'send' }), { code: 'WRONG_STATE' });
    const { client } = await kit.enter();
    await assert.rejects(client.requestRaw('toString', {}), { code: 'UNKNOWN_METHOD' });
    await assert.rejects(client.requestRaw('createTransport', { direction: 'up' }), { code: 'BAD_REQUEST' });
    await assert.rejects(client.request('pauseProducer', { producerId: 'nobody' }), { code: 'NOT_FOUND' });
    const { transportId } = await client.request('createTransport', { direction: 'recv' });
    const rtpParameters = opusStream(5);
    await assert.rejects(client.request('produce', { transportId, rtpParameters }), { code: 'BAD_REQUEST' });
    await client.request('ping', {});
  });

  test('a ping is answered at once, whatever else waits for its answer', async () => {
    const { client } = await kit.enter();
    const order: string[] = [];
    const create = () =>
      client.request('createTransport', { direction: 'recv' }).then(() => order.push('slow'));
    await Promise.all([create(), create(), client.request('ping', {}).then(() => order.push('ping'))]);
    assert.deepEqual(order, ['ping', 'slow', 'slow']);
  });

  test('stream parameters that the worker cannot use are the sender’s fault', async () => {
    const { client } = await kit.enter();
    const { transportId } = await client.request('createTransport', { direction: 'send' });
    await client.request('produce', { transportId, rtpParameters: opusStream(77) });
    await assert.rejects(
      client.request('produce', { transportId, rtpParameters: { ...opusStream(77), mid: '1' } }),
      {
        code: 'BAD_REQUEST',
      },
    );
    const foreign = {
      ...opusStream(78),
      codecs: [{ mimeType: 'audio/foreign', payloadType: 1, clockRate: 8_000 }],
    };
    await assert.rejects(client.request('produce', { transportId, rtpParameters: foreign }), {
      code: 'BAD_REQUEST',
    });
  });

  test('garbage, binary and oversize frames close the socket with their code, and nobody else notices', async () => {
    const bystander = await kit.enter();
    const frames: [string | Buffer, number][] = [
      ['{"id":', CLOSE_CODES.BAD_FRAME],
      ['[]', CLOSE_CODES.BAD_FRAME],
      ['{"id":"one","method":"ping"}', CLOSE_CODES.BAD_FRAME],
      [Buffer.from([1, 2, 3]), CLOSE_CODES.BAD_FRAME],
      ['x'.repeat(MAX_FRAME_BYTES + 1), CLOSE_CODES.FRAME_TOO_LARGE],
      ['x'.repeat(20 * MAX_FRAME_BYTES), CLOSE_CODES.FRAME_TOO_LARGE],
    ];
    for (const [frame, code] of frames) {
      const client = kit.connect();
      await client.opened;
      client.socket.send(frame);
      assert.equal((await client.closed).code, code);
    }
    await bystander.client.request('ping', {});
  });

  test('a client that floods is refused with a time to wait, then disconnected', async () => {
    const { client } = await kit.enter();
    const answers = Array.from({ length: 400 }, () =>
      client.request('ping', {}).catch((error: unknown) => error),
    );
    assert.equal((await client.closed).code, CLOSE_CODES.RATE_LIMITED);
    const refused = (await Promise.all(answers)).filter((one) => one instanceof Error && 'code' in one);
    assert.ok(refused.some((error) => 'code' in error && error.code === 'RATE_LIMITED'));
  });

  test('a second connection of one participant replaces the first, which is told why', async () => {
    const first = await kit.enter();
    const other = await kit.enter();
    const second = await kit.enter({ participantId: first.participantId });
    assert.equal((await first.client.closed).code, CLOSE_CODES.DUPLICATE_IDENTITY);
    assert.ok(second.participants.some((one) => one.participantId === other.participantId));
    await second.client.request('leave', {});
    await other.client.notified('peerLeft', (one) => one.participantId === first.participantId);
    const told = other.client.notifications.all.filter(({ event }) => event.startsWith('peer'));
    assert.deepEqual(
      told.map(({ event }) => event),
      ['peerLeft'],
      'it was never away',
    );
    const mine = kit.events.all.filter(({ payload }) =>
      JSON.stringify(payload).includes(first.participantId),
    );
    await kit.events.find(
      (one) => one.name.endsWith('Disconnected') && JSON.stringify(one.payload).includes(first.participantId),
    );
    assert.deepEqual(mine.filter(({ name }) => name.endsWith('Connected')).length, 1);
  });

  test('a socket without the subprotocol is refused before it opens', async () => {
    await assert.rejects(kit.connect('graphql-transport-ws').opened, /400/);
  });

  test('a client of another version is told so, and one that speaks ours too is served', async () => {
    for (const offered of ['veza-live.v0', 'veza-live.v2', 'veza-live.v99']) {
      const { code, reason } = await kit.connect(offered).closed;
      assert.deepEqual([code, reason], [CLOSE_CODES.VERSION_UNSUPPORTED, 'VERSION_UNSUPPORTED']);
    }
    assert.ok(!isWorthReconnecting(CLOSE_CODES.VERSION_UNSUPPORTED));
    const both = kit.connect(['veza-live.v2', SUBPROTOCOL]);
    await both.opened;
    assert.equal(both.socket.protocol, SUBPROTOCOL);
    const answer = await both.request('authenticate', { token: signMediaGrant(grantFor(), SECRET) });
    assert.equal(answer.protocolVersion, PROTOCOL_VERSION);
    await assert.rejects(kit.connect('veza-live.vx').opened, /400/);
  });

  test('the room takes as many participants as it may, and no more', async () => {
    const liveRoomId = 'liv_full';
    for (let count = 0; count < 10; count++) await kit.enter({ liveRoomId });
    await closedWith('ROOM_FULL', signMediaGrant(grantFor({ liveRoomId }), SECRET));
  });
});
