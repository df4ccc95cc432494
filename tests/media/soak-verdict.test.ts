import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { CrowdReport } from '../bench/audio/soak/crowd.ts';
import type { Holdings } from '../bench/audio/soak/observed-server.ts';
import { openFilesOf } from '../bench/audio/soak/open-files.ts';
import { ReceivedStream, Tally } from '../bench/audio/soak/tally.ts';
import { failures, growthPercents, lostOf, orphans } from '../bench/audio/soak/verdict.ts';

const FILES = { files: 20, udp: 1, tcp: 1, dropped: 0 };
const EMPTY: Holdings = {
  server: { ...FILES, rooms: 0, participants: 0, children: 2 },
  workers: [
    {
      ...FILES,
      pid: 7,
      ...{ routers: 0, transports: 0, producers: 0, consumers: 0, rtpObservers: 0 },
      ...{ served: 0, iceSessions: 0, handlers: 1 },
    },
  ],
};
const GOOD: CrowdReport = {
  ...{ people: 10, speaking: 2, joins: 12, iceRestarts: 1, received: 1_000, opened: 100 },
  ...{ lost: 0, dropped: 0, unheard: 0, latestMs: 3, faults: [] },
};
/** Packets with these sequence numbers, in the order of their arrival. */
function heard(sequences: readonly number[]) {
  const tally = new Tally();
  const stream = new ReceivedStream({ tally, read: null, compare: () => undefined, said: () => 0 });
  const header = { ssrc: 1, timestampMs: 0, bytes: 12 };
  for (const sequence of sequences) stream.receive(Buffer.alloc(20), { ...header, sequence });
  return { stream, tally };
}

describe('The verdict of a soak', () => {
  test('finds nothing where all is as before, and names whatever is left', () => {
    assert.deepEqual(orphans(EMPTY, EMPTY), []);
    const [worker] = EMPTY.workers;
    assert.ok(worker);
    for (const field of ['transports', 'consumers', 'iceSessions', 'handlers', 'udp', 'files'] as const) {
      const left: Holdings = { ...EMPTY, workers: [{ ...worker, [field]: worker[field] + 3 }] };
      assert.deepEqual(orphans(EMPTY, left), [
        `worker 1 has ${worker[field] + 3} ${field} instead of ${worker[field]}`,
      ]);
    }
    const room = { ...EMPTY, server: { ...EMPTY.server, rooms: 1 } };
    assert.deepEqual(orphans(EMPTY, room), ['the media server has 1 rooms instead of 0']);
  });

  test('compares the third quarter with the last, of each process', () => {
    const reading = (_: unknown, at: number) => [at < 10 ? at * 50 : 500, at < 15 ? 20 : 22];
    const [server = Number.NaN, worker = Number.NaN] = growthPercents(Array.from({ length: 20 }, reading));
    assert.equal(server, 0, 'what grows while it is warmed up does not count');
    assert.ok(Math.abs(worker - 10) < 1e-9, String(worker));
    const grown = failures(GOOD, [server, server, worker], [], 0);
    assert.deepEqual(grown, ['the resident memory of worker 1 grows by 10.0 %']);
    assert.deepEqual(failures(GOOD, [10, 0, 0], [], 0), ['what the media server uses grows by 10.0 %']);
    assert.deepEqual(failures(GOOD, [server, -1], [], 0), []);
  });

  test('fails for what is lost, not for what listeners had no time to read', () => {
    assert.equal(lostOf({ ...GOOD, lost: 5, dropped: 5 }), 0);
    assert.equal(failures({ ...GOOD, lost: 5, dropped: 5 }, [0], [], 0).length, 0);
    assert.equal(failures({ ...GOOD, lost: 6, dropped: 5 }, [0], [], 1).length, 1);
    assert.equal(failures({ ...GOOD, unheard: 1, faults: ['x'] }, [0], ['y'], 0).length, 3);
  });

  test('counts the packets that are missing between the first and the last, whatever overtook them', () => {
    assert.equal(heard([5, 6, 7, 8]).stream.lost, 0);
    assert.equal(heard([5, 7, 6, 8]).stream.lost, 0);
    assert.equal(heard([5, 8]).stream.lost, 2);
    assert.equal(heard([65_534, 65_535, 0, 1]).stream.lost, 0);
    assert.equal(heard([65_534, 0, 65_535, 2]).stream.lost, 1);
    assert.equal(heard([7, 5, 8]).stream.lost, 1);
    const { stream, tally } = heard([1, 3]);
    stream.end();
    assert.deepEqual([tally.lost, tally.received], [1, 2]);
  });

  test('counts the sockets of a process, and no others', async () => {
    const before = openFilesOf(process.pid);
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const open = openFilesOf(process.pid);
    assert.equal(open.udp, before.udp + 1);
    assert.equal(open.files, before.files + 1);
    assert.equal(open.tcp, before.tcp);
    socket.close();
  });
});
