import assert from 'node:assert/strict';
import { after, before, describe, mock, test } from 'node:test';
import { observer, type types } from 'mediasoup';
import { SET_UPS_AT_ONCE } from '../../media-server/workers.ts';
import { produce, skipWithoutWorker, startMedia, type MediaKit } from './media-kit.ts';
import { Refused } from './signalling-client.ts';

const CROWD = 40;

describe('A crowd that comes at once', { skip: skipWithoutWorker }, () => {
  let kit: MediaKit;
  const calls = { underWay: 0, most: 0, total: 0 };

  /** Counts calls until their answers. */
  const counted =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      calls.most = Math.max(calls.most, ++calls.underWay);
      calls.total += 1;
      try {
        return await call(...args);
      } finally {
        calls.underWay -= 1;
      }
    };
  const watchTransport = (transport: types.Transport) =>
    void mock.method(transport, 'consume', counted(transport.consume.bind(transport)));
  const watchRouter = (router: types.Router) => {
    router.observer.on('newtransport', watchTransport);
    mock.method(router, 'createWebRtcTransport', counted(router.createWebRtcTransport.bind(router)));
  };
  const watchWorker = (worker: types.Worker) => void worker.observer.on('newrouter', watchRouter);

  before(async () => {
    observer.on('newworker', watchWorker);
    kit = await startMedia({ maxPeersPerRoom: CROWD + 10 });
  });
  after(async () => {
    observer.off('newworker', watchWorker);
    await kit.close();
  });

  const enterAll = () => Promise.all(Array.from({ length: CROWD }, () => kit.enter()));

  test('is set up a few at a time, so that what is being heard goes on', async () => {
    const speaker = await kit.enter();
    const producerId = await produce(speaker.client);
    const crowd = await enterAll();
    calls.most = calls.total = 0;
    const consumers = await Promise.all(
      crowd.map(async ({ client }) => {
        await client.request('createTransport', { direction: 'recv' });
        return client.request('consume', { producerId });
      }),
    );
    assert.equal(new Set(consumers.map(({ consumerId }) => consumerId)).size, CROWD);
    assert.equal(calls.total, 2 * CROWD);
    assert.equal(calls.most, SET_UPS_AT_ONCE);
    // Who goes without a word keeps their seat for a while.
    await Promise.all(crowd.map(({ client }) => client.request('leave', {})));
    await Promise.all(crowd.map(({ client }) => client.closed));
  });

  test('is answered, each of them, when its worker dies meanwhile', async () => {
    const crowd = await enterAll();
    const [worker] = kit.media.status().workers;
    assert.ok(worker);
    // A stopped worker answers nobody, so all are under way or waiting when it dies.
    process.kill(worker.pid, 'SIGSTOP');
    calls.most = 0;
    const asked = crowd.map(({ client }) => client.request('createTransport', { direction: 'recv' }));
    const witness = await kit.enter();
    while (calls.most < SET_UPS_AT_ONCE) await witness.client.request('ping', {});
    process.kill(worker.pid, 'SIGKILL');
    for (const answer of await Promise.allSettled(asked)) {
      assert.ok(answer.status === 'rejected' && answer.reason instanceof Refused);
      // Of those that come after the death: they have to join again first.
      assert.match(answer.reason.code, /^(MEDIA_UNAVAILABLE|WRONG_STATE)$/);
    }
    await Promise.all(crowd.map(({ client }) => client.notified('rejoin')));
  });
});
