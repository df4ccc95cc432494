import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { execute } from '../support/databases.ts';
import { handledBy, publishUntilStored, startInboxPlatform } from '../support/inbox-process.ts';
import { skipWithoutNats } from '../support/nats.ts';
import { seededRandom } from '../support/random.ts';
import { frame } from './durable-bus.contract.ts';

const seed = Number(process.env.TEST_SEED) || Math.floor(Math.random() * 2 ** 31);
const EVENTS = 4_000;
const STREAMS = 8;
const EVENTS_PER_DISTURBANCE = 400;

// Every connection of the database but this one, in the middle of whatever it does.
const TERMINATE = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()`;

test(
  `two processes of one consumer, over cut connections and restarts of each other and the broker: every event once, in order (TEST_SEED=${seed})`,
  { skip: skipWithoutNats, timeout: 300_000 },
  async () => {
    const random = seededRandom(seed);
    await using all = await startInboxPlatform();
    const processes = [await all.start(), await all.start()];
    const publisher = await all.start('publisher');
    const repeating = await connect({ servers: [all.natsUrl], maxReconnectAttempts: -1 });
    const disturbances = [
      () => execute(all.databaseUrl, TERMINATE),
      async () => {
        const index = random() < 0.5 ? 0 : 1;
        await processes[index]!.stop();
        processes[index] = await all.start();
      },
      async () => {
        await all.server.kill();
        await all.server.start();
      },
    ];
    let disturbed: Promise<void> = Promise.resolve();
    const streams = Array.from({ length: STREAMS }, (_, index) => ({ name: `room:${index}`, seq: 0 }));
    for (let count = 1; count <= EVENTS; count++) {
      if (count % EVENTS_PER_DISTURBANCE === 0)
        disturbed = disturbed.then(disturbances[Math.floor(random() * disturbances.length)]);
      const stream = streams[Math.floor(random() * STREAMS)]!;
      const event = frame(++stream.seq, { stream: stream.name });
      await publishUntilStored(publisher.bus, event);
      // Without the id by which the broker recognises it.
      if (random() < 0.1) repeating.publish(`test.events.${event.name}`, JSON.stringify(event));
      if (random() < 0.1) await publishUntilStored(publisher.bus, frame(count, { name: 'track.liked' }));
    }
    await disturbed;
    const handled = await handledBy(publisher, EVENTS, 200_000);
    for (const { name, seq } of streams)
      assert.deepEqual(
        handled.filter(({ stream }) => stream === name).map((event) => event.seq),
        Array.from({ length: seq }, (_, index) => index + 1),
      );
    await repeating.close();
    await Promise.all([...processes, publisher].map((process) => process.stop()));
  },
);
