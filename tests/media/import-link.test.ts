import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test, type TestContext } from 'node:test';
import { createWorker, type types } from 'mediasoup';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { linkAnswer } from '#schema/media-mesh.ts';
import { ImportLink } from '../../media-server/mesh/import-link.ts';
import type { AskForStreams } from '../../media-server/mesh/link-http.ts';
import { createLinkTransport, endpointOf } from '../../media-server/mesh/link-transport.ts';
import { createRoomRouter, type RoomRouter } from '../../media-server/routing/room-router.ts';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { skipWithoutWorker } from './media-kit.ts';

/** What somebody waits for a stream of another server. */
const PATIENCE_MS = 2_000;
const LATE = { code: 'MEDIA_UNAVAILABLE' };

const LISTEN = { ip: '127.0.0.1', minPort: 42_000, maxPort: 42_999 };
const OPUS = {
  mid: 'a',
  codecs: [{ mimeType: 'audio/opus', payloadType: 100, clockRate: 48_000, channels: 2 }],
  encodings: [{ ssrc: 1 }],
};

/** Time stands still but for what tests let pass: whoever waits longer than they should waits for ever. */
describe('The link to another server', { skip: skipWithoutWorker }, () => {
  let worker: types.Worker;
  let home: RoomRouter;
  let asked: PromiseWithResolvers<void>;
  before(async () => {
    worker = await createWorker({ workerBin: findWorker().path ?? '' });
    const webRtcServer = await worker.createWebRtcServer({
      listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }],
    });
    home = await createRoomRouter({ worker, webRtcServer, inTurn: (request) => request(), rooms: 0 });
  });
  after(() => worker.close());
  beforeEach(() => void (asked = Promise.withResolvers()));

  const openLink = (context: TestContext, ask: AskForStreams): ImportLink => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const link = new ImportLink({
      liveRoomId: newId('LiveRoom'),
      serverId: 'media-here',
      url: 'http://media.example',
      findHome: () => home,
      listen: LISTEN,
      ask: (...request) => {
        asked.resolve();
        return ask(...request);
      },
      onUnanswered: () => undefined,
      log: createLog('mesh-test', 'silent'),
    });
    context.after(() => link.close());
    return link;
  };

  test('asks again for a stream whose way was closed while it came', async (context) => {
    const answer: AskForStreams = async (_url, { wants }) => {
      const other = await createLinkTransport(home.router, LISTEN);
      const streams = wants.map((producerId) => ({ producerId, paused: false, rtpParameters: OPUS }));
      return linkAnswer.parse({ endpoint: endpointOf(other), transportId: other.id, streams });
    };
    const link = openLink(context, answer);
    let restarts = 0;
    home.router.observer.on('newtransport', (transport) => {
      const produce = transport.produce.bind(transport);
      context.mock.method(transport, 'produce', async (options: types.ProducerOptions) => {
        const producing = produce(options);
        if (restarts++ === 0) link.restart();
        return producing;
      });
    });
    const { producer } = await link.use('one', 'lpt_a');
    assert.equal(restarts, 2);
    // What the worker does not know cannot be heard, whatever is known of it here.
    assert.equal((await producer.dump()).id, 'one');
  });

  test('keeps the first who wants something of it waiting, and nobody after them', async (context) => {
    const link = openLink(context, () => new Promise(() => undefined));
    const first = [link.use('one', 'lpt_a'), link.use('other', 'lpt_a')];
    const settled = Promise.allSettled(first);
    await asked.promise;
    context.mock.timers.tick(PATIENCE_MS);
    for (const outcome of await settled) {
      assert.equal(outcome.status, 'rejected');
      assert.equal(outcome.reason.code, LATE.code);
    }
    for (const producerId of ['one', 'another']) await assert.rejects(link.use(producerId, 'lpt_a'), LATE);
  });

  test('keeps nobody waiting where it refuses at once', async (context) => {
    const link = openLink(context, () => Promise.reject(new Error('nobody listens')));
    await assert.rejects(link.use('one', 'lpt_a'), LATE);
    await assert.rejects(link.use('one', 'lpt_a'), LATE);
  });
});
