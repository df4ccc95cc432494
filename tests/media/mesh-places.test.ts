import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { newId } from '#platform/ids.ts';
import { signMediaGrant, type MediaGrantClaims } from '#platform/media-grant.ts';
import { CLOSE_CODES } from '#schema/signalling.ts';
import { seededRandom } from '../support/random.ts';
import { skipWithout } from '../support/services.ts';
import { grantFor, opusStream, SECRET, skipWithoutWorker } from './media-kit.ts';
import { startMediaServerProcess, type MediaServerProcess } from './media-server-process.ts';
import { DEVICE } from './mesh-kit.ts';
import { Refused, SignallingClient } from './signalling-client.ts';

const SEED = randomInt(2 ** 31);
const CAPACITY = 12;
const SPEAKERS = 3;
const PEOPLE = 40;
const VISITS = 6;

let ssrc = 90_000;

/** Who has a place as far as clients know: one counts from the answer until it is given back. */
class Tally {
  now = 0;
  most = 0;

  add(): void {
    this.now += 1;
    this.most = Math.max(this.most, this.now);
  }
}

describe(
  `The places of a room on two media servers over Redis (seed ${SEED})`,
  {
    skip: skipWithoutWorker || skipWithout('redisUrl'),
  },
  () => {
    const random = seededRandom(SEED);
    const clients = new Set<SignallingClient>();
    let servers: MediaServerProcess[];

    before(
      async () => void (servers = await Promise.all([startMediaServerProcess(), startMediaServerProcess()])),
    );
    after(async () => {
      for (const client of clients) await client.close();
      for (const { child } of servers) child.kill('SIGKILL');
    });

    const anyServer = () => servers[Math.floor(random() * servers.length)] ?? assert.fail('no server');

    /** A client that has a seat, null where the room is full. */
    const sit = async (server: MediaServerProcess, claims: Partial<MediaGrantClaims>) => {
      const client = new SignallingClient(server.url);
      clients.add(client);
      const token = signMediaGrant(grantFor(claims), SECRET);
      const isIn = await client.request('authenticate', { token }).then(
        () => true,
        () => false,
      );
      if (isIn) return client;
      assert.equal((await client.closed).code, CLOSE_CODES.ROOM_FULL);
      return null;
    };
    /** Of everybody who was let in, and has not gone. */
    const leave = async (client: SignallingClient) => {
      await client.request('leave', {});
      await client.closed;
    };
    /** Everybody's seats on both servers, until it is as it should be: what is told to others travels. */
    const fill = async (claims: Partial<MediaGrantClaims>, free: number) => {
      const seated: SignallingClient[] = [];
      while (seated.length < free) {
        const client = await sit(anyServer(), claims);
        if (client) seated.push(client);
      }
      for (const server of servers) assert.equal(await sit(server, claims), null, 'and nobody more');
      return seated;
    };

    test('are never more than there are, and all of them are had, however many come and go at once', async () => {
      const claims = { liveRoomId: newId('LiveRoom'), capacity: CAPACITY };
      const tally = new Tally();
      const first = await Promise.all(
        Array.from({ length: PEOPLE }, async () => {
          const client = await sit(anyServer(), claims);
          if (client) tally.add();
          return client;
        }),
      );
      assert.equal(tally.now, CAPACITY, 'all came at once, and as many as fit are in');
      const visit = async (former: SignallingClient | null) => {
        let client = former;
        for (let visits = 0; visits < VISITS; visits++) {
          if (client) {
            tally.now -= 1;
            if (random() < 0.5) await leave(client);
            else client.socket.terminate();
          }
          client = await sit(anyServer(), claims);
          if (client) tally.add();
        }
      };
      await Promise.all(first.map(visit));
      assert.equal(tally.most, CAPACITY);
      await fill(claims, CAPACITY - tally.now);
    });

    test('are nobody’s twice who changes servers, and free again when they leave', async () => {
      const claims = { liveRoomId: newId('LiveRoom'), capacity: 2, participantId: newId('LiveParticipant') };
      for (let turn = 0; turn < PEOPLE / 4; turn++) {
        const expiresAtMs = Date.now() + 30_000 + turn;
        assert.ok(await sit(servers[turn % 2] ?? anyServer(), { ...claims, expiresAtMs }));
      }
      const { liveRoomId, capacity } = claims;
      const [other] = await fill({ liveRoomId, capacity }, 1);
      assert.ok(other);
      await leave(other);
      await fill({ liveRoomId, capacity }, 1);
    });

    test('are for as many to send as may, wherever they are', async () => {
      const claims = { liveRoomId: newId('LiveRoom'), maxSpeakers: SPEAKERS };
      const tally = new Tally();
      const people = await Promise.all(
        Array.from({ length: CAPACITY }, async (_, index) => {
          const client = await sit(servers[index % 2] ?? anyServer(), claims);
          assert.ok(client);
          await client.request('join', { rtpCapabilities: DEVICE });
          return { client, ...(await client.request('createTransport', { direction: 'send' })) };
        }),
      );
      const speak = async ({ client, transportId }: (typeof people)[number]): Promise<string | null> => {
        const request = { transportId, rtpParameters: opusStream(ssrc++) };
        try {
          const { producerId } = await client.request('produce', request);
          tally.add();
          return producerId;
        } catch (error) {
          assert.ok(error instanceof Refused && error.code === 'SPEAKER_LIMIT');
          return null;
        }
      };
      const speaking = await Promise.all(people.map(speak));
      assert.equal(tally.now, SPEAKERS, 'all began at once, and as many as may do so');
      const takeTurns = async (person: (typeof people)[number], index: number) => {
        for (let turn = 0; turn < VISITS; turn++) {
          const producerId = speaking[index];
          if (producerId) {
            tally.now -= 1;
            await person.client.request('closeProducer', { producerId });
          }
          speaking[index] = await speak(person);
        }
      };
      await Promise.all(people.map(takeTurns));
      assert.equal(tally.most, SPEAKERS);
      while (tally.now < SPEAKERS) {
        const index = Math.floor(random() * people.length);
        const person = people[index];
        if (person && !speaking[index]) speaking[index] = await speak(person);
      }
      for (const [index, person] of people.entries())
        if (!speaking[index]) assert.equal(await speak(person), null);
    });

    test('come back of a server that is killed, those included that were taken and not used yet', async () => {
      const claims = { liveRoomId: newId('LiveRoom'), capacity: CAPACITY };
      const [killed, survivor] = servers;
      assert.ok(killed && survivor);
      const lost = await Promise.all(Array.from({ length: CAPACITY - 1 }, () => sit(killed, claims)));
      assert.ok(await sit(survivor, claims));
      assert.equal(await sit(survivor, claims), null);
      // Somebody is between taking a seat and having it, or nobody is: it is all the same.
      const onTheWay = sit(killed, { ...claims, capacity: CAPACITY + 1 }).catch(() => null);
      killed.child.kill('SIGKILL');
      await once(killed.child, 'exit');
      await Promise.all(lost.map((client) => client?.closed));
      await Promise.race([onTheWay, killed.exitCode]);
      servers = [survivor];
      await fill(claims, CAPACITY - 1);
    });
  },
);
